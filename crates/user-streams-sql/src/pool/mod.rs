//! Access to the database: a pool of our own, or the application's.
//!
//! One rule: a lease ends settled or closed. Every exchange with a server runs on a leased
//! connection, in a future that owns the lease. The lease is unsettled from before the first byte
//! is sent until the whole answer has been read and no transaction is open. A settled lease returns
//! its connection to the pool; any other closes the connection, and nobody waits for that.

mod application;
mod driver;
mod exchange;
mod executor;
mod limits;
mod open;
mod own;
mod pools;
#[cfg(feature = "sqlite")]
mod readers;
mod source;

pub(crate) use application::{StreamsDatabase, TransactionExecutor};
#[cfg(feature = "postgres")]
pub(crate) use driver::PostgresListener;
pub(crate) use executor::{Executor, end_transaction};
pub(crate) use limits::{Limits, MAX_LOCK_WAIT};
pub(crate) use open::{open, over};
pub(crate) use pools::{Access, Pools, runtime};

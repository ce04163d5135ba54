//! The way to a database: a pool of leases of our own, or an application's pool.
//!
//! One rule: a lease ends settled or closed. Every exchange with a server runs on a leased
//! connection, in a future that owns the lease. It is unsettled from before its first byte until
//! the whole answer has been read and no transaction is open. A settled lease goes back to the
//! pool; any other is closed, and nobody waits for it.

mod connector;
mod driver;
mod exchange;
mod executor;
mod given;
mod lease;
mod limits;
mod manager;
mod open;
mod own;
mod pools;
#[cfg(test)]
mod tests;
mod within;

pub(crate) use executor::{Executor, finish};
pub(crate) use limits::Limits;
pub(crate) use open::{open, over};
pub(crate) use pools::{Access, Pools, runtime};
pub(crate) use within::{Database, Within};

//! The application's own pool and transactions, through sea-orm. Its connections are never closed
//! by us, so no exchange on them is cut.

mod pool;
mod transaction;

pub(super) use pool::ApplicationPool;
pub(crate) use transaction::{StreamsDatabase, TransactionExecutor};

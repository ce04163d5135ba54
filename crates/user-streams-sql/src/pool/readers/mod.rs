//! Reads of a SQLite file by threads of ours, each with a connection: a thread that is awake takes
//! the reads that wait one after the other and answers them together, so that reads that come
//! together cost one change of threads and not one each.
//!
//! A read that is dropped is not begun, or interrupted: nothing of it is left in a connection.

mod connection;
mod pool;
mod queue;
mod reader;
#[cfg(test)]
mod tests;
mod thread;
mod threads;
mod work;

pub(super) use pool::ReaderPool;

//! A pool of our own: connections that the library opens, sets up and closes.

mod connector;
mod lease;
mod manager;
mod pool;
mod queue;
#[cfg(test)]
mod tests;

pub(super) use pool::OwnPool;

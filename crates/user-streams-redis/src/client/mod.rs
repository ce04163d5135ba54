//! How commands get to the servers and replies come back.

mod application;
mod cluster;
pub(crate) mod command;
mod connection;
mod connector;
mod executor;
mod link;
mod probe;
mod server;
mod slot_map;
mod subscriber;
pub(crate) mod target;
mod task;
mod watch;

pub use application::ApplicationClient;
pub(crate) use executor::Executor;
pub(crate) use watch::Messages;

//! The workloads, W1 to W15.

pub(crate) mod add;
mod adding;
pub(crate) mod audiences;
pub(crate) mod broadcast;
pub(crate) mod bulk;
pub(crate) mod bytes;
mod copy;
pub(crate) mod count;
pub(crate) mod depth;
pub(crate) mod live;
pub(crate) mod marks;
pub(crate) mod memory;
pub(crate) mod mixed;
pub(crate) mod numbered;
pub(crate) mod page;
mod peer;
pub(crate) mod removal;
mod retention;
pub(crate) mod web;

use anyhow::Result;

use crate::child::Task;

/// Runs the task of a child process.
pub(crate) async fn run_child(task: &str) -> Result<()> {
    match serde_json::from_str(task)? {
        Task::Broadcast { store, users } => memory::child(&store, users).await,
        Task::Copy { from, to } => copy::child(&from, &to).await,
        Task::Peer { store } => peer::child(&store).await,
        Task::Subscribe { store, number, seconds } => live::child(&store, number, seconds).await,
        Task::Serve { store, audiences, fresh_for } => {
            web::child(&store, audiences, fresh_for).await
        }
    }
}

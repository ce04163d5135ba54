//! Refuses content that is longer than the server's limits: it would close the connection.

use tokio::time::Instant;
use user_streams_core::{Error, ErrorKind, Result};

use crate::{
    client::{Executor, command::Command},
    reply,
    storage::member::SORT_KEY_LEN,
};

/// The least value of either limit: shorter content is never refused.
const ALWAYS_ACCEPTED: usize = 1024 * 1024;

/// Checks the length of content. A server that does not permit `CONFIG GET` is trusted.
pub(super) async fn check(executor: &Executor, deadline: Instant, length: usize) -> Result<()> {
    let stored = length + SORT_KEY_LEN;
    if stored <= ALWAYS_ACCEPTED {
        return Ok(());
    }
    let limits = ["proto-max-bulk-len", "client-query-buffer-limit"];
    let commands = limits.map(|name| Command::to_server("CONFIG", vec!["GET".into(), name.into()]));
    let replies = executor.try_all(deadline, commands.into()).await?;
    for (name, limit) in replies.into_iter().flatten().flat_map(reply::settings) {
        if limit.parse().is_ok_and(|limit: u64| stored as u64 > limit) {
            return Err(Error::new(
                ErrorKind::InvalidContent,
                format!("the content has {length} bytes, and `{name}` of the server is {limit}"),
            ));
        }
    }
    Ok(())
}

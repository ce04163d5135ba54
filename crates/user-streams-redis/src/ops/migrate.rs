//! Warns of a server whose settings waste memory or lose streams. Redis needs no schema.

use user_streams_core::Result;

use super::store::Store;
use crate::{client::command::Command, reply};

/// A length that the content of most items is below.
const RECOMMENDED_LISTPACK_VALUE: u64 = 1024;

/// Warns by `tracing`. A server that does not permit `CONFIG GET` is trusted.
pub(crate) async fn migrate(store: &Store) -> Result<()> {
    let get = |name: &str| Command::to_server("CONFIG", vec!["GET".into(), name.into()]);
    // `zset-max-listpack-value`, in Redis 6 `zset-max-ziplist-value`.
    let commands = vec![get("zset-max-*-value"), get("maxmemory-policy")];
    let executor = &store.executor;
    let Some(replies) = executor.try_all(executor.deadline(), commands).await? else {
        return Ok(());
    };
    for (name, value) in replies.into_iter().flat_map(reply::settings) {
        if name.starts_with("zset-max-")
            && value.parse().is_ok_and(|bytes: u64| bytes < RECOMMENDED_LISTPACK_VALUE)
        {
            tracing::warn!(
                setting = name,
                value,
                "short streams take up to twice the memory: CONFIG SET {name} \
                 {RECOMMENDED_LISTPACK_VALUE} keeps content of that length compact"
            );
        }
        if name == "maxmemory-policy" && value.starts_with("allkeys-") {
            tracing::warn!(
                setting = name,
                value,
                "the server may evict whole streams when its memory is full: use noeviction or a \
                 volatile-* policy"
            );
        }
    }
    Ok(())
}

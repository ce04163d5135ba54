//! Settings of the server that waste memory or lose streams.

use fred::types::Value;
use user_streams_core::Result;

use crate::{client::Client, command::Command};

/// What the content of an item usually fits into.
const LISTPACK_VALUE: u64 = 1024;

/// Warns of such settings by `tracing`. A server that does not tell its settings is trusted.
pub(crate) async fn give(client: &Client) -> Result<()> {
    let get = |name: &str| Command::to_server("CONFIG", vec!["GET".into(), name.into()]);
    // `zset-max-listpack-value`, which Redis 6 calls `zset-max-ziplist-value`.
    let Some(settings) = client
        .told(client.deadline(), vec![get("zset-max-*-value"), get("maxmemory-policy")])
        .await?
    else {
        return Ok(());
    };
    for (name, value) in settings.into_iter().flat_map(pairs) {
        if name.starts_with("zset-max-")
            && value.parse().is_ok_and(|bytes: u64| bytes < LISTPACK_VALUE)
        {
            tracing::warn!(
                setting = name,
                value,
                "short streams take up to twice the memory: CONFIG SET {name} {LISTPACK_VALUE} \
                 keeps contents of that length compact"
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

fn pairs(answer: Value) -> Vec<(String, String)> {
    let mut texts = answer.into_array().into_iter().filter_map(Value::into_string);
    std::iter::from_fn(move || texts.next().zip(texts.next())).collect()
}

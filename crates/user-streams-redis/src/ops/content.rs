//! Reads shared content, in parts of a limited size.

use fred::{bytes::Bytes, types::Value};
use tokio::time::Instant;
use user_streams_core::Result;

use super::{part, store::Store};
use crate::{
    client::command::Command, reply, scripts::content::content, storage::shared_content::decode,
};

/// The most keys of a command, or commands of a pipeline.
const MAX_TOGETHER: usize = 64;
/// The fewest commands of a pipeline in a cluster, where each is for one key.
const MIN_TOGETHER: usize = 4;

/// The content at each of these keys; `None` if there is none. The deadline is of the first part,
/// and is moved for each further one.
pub(super) async fn read(
    store: &Store,
    deadline: &mut Instant,
    keys: &[Bytes],
) -> Result<Vec<Option<Bytes>>> {
    let mut contents: Vec<Option<Bytes>> = Vec::with_capacity(keys.len());
    while contents.len() < keys.len() {
        if !contents.is_empty() {
            *deadline = store.executor.deadline();
        }
        let values = some(store, *deadline, &keys[contents.len()..]).await?;
        if values.is_empty() {
            return Err(reply::unexpected());
        }
        let read: Vec<_> = values.into_iter().map(decode).collect();
        store.content_len.observe(read.iter().flatten());
        contents.extend(read);
    }
    match contents.len() == keys.len() {
        true => Ok(contents),
        false => Err(reply::unexpected()),
    }
}

/// The values at the first of these keys.
async fn some(store: &Store, deadline: Instant, keys: &[Bytes]) -> Result<Vec<Value>> {
    let number = store.content_len.how_many(part::PLAIN_BYTES);
    let executor = &store.executor;
    // Streams with shared content may have been moved into a cluster, where the keys of a command
    // have to be in one slot.
    if executor.is_cluster() {
        let some = keys.iter().take(number.clamp(MIN_TOGETHER, MAX_TOGETHER));
        let commands = some.map(|key| Command::on_key("MGET", key.clone(), [])).collect();
        let replies = executor.all(deadline, commands).await?;
        let values: Result<Vec<_>> = replies.into_iter().map(reply::array).collect();
        return Ok(values?.into_iter().flatten().collect());
    }
    if keys.len() <= number.min(MAX_TOGETHER) {
        let more = keys.iter().skip(1).cloned().map(Value::from);
        let first = keys.first().cloned().unwrap_or_default();
        let reply = executor.one(deadline, Command::on_key("MGET", first, more)).await?;
        return reply::array(reply);
    }
    let some = keys.iter().take(MAX_TOGETHER).cloned().collect();
    reply::array(executor.one(deadline, content(some, part::BYTES)).await?)
}

//! Content that several users share: stored once, at a key of its own, and read after the members
//! that refer to it.
//!
//! The value at such a key is a count of ten digits, how many members refer to it, and then the
//! content. It is a string, not a hash, so that one `MGET` reads all that a page needs.

use fred::{bytes::Bytes, types::Value};
use tokio::time::Instant;
use user_streams_core::{Error, ErrorKind, Result, StreamItem};

use super::{keys::Keys, member::Member};
use crate::{
    client::{Executor, command::Command},
    reply,
};

/// Digits before the content: how many members refer to it.
const COUNT_LEN: usize = 10;
/// The keys of one `MGET`.
const KEYS_PER_COMMAND: usize = 1_000;

/// The items of a page.
pub(crate) enum Items {
    All(Vec<StreamItem>),
    /// The keys of shared content that are not there.
    Missing(Vec<Bytes>),
}

/// The items of these members, with their shared content.
pub(crate) async fn items(
    executor: &Executor,
    deadline: Instant,
    keys: &Keys,
    members: &[Bytes],
) -> Result<Items> {
    let mut items = Vec::with_capacity(members.len());
    let (mut shared, mut shared_keys) = (Vec::new(), Vec::new());
    for member in members {
        let member = Member::parse(member)?;
        if member.is_shared() {
            shared.push((items.len(), member));
            shared_keys.push(keys.shared_content(member.created_at_us, member.id));
        }
        items.push(member.item()?);
    }
    if shared.is_empty() {
        return Ok(Items::All(items));
    }
    let contents = read(executor, deadline, &shared_keys).await?;
    let missing = |(key, content): (&Bytes, &Option<_>)| content.is_none().then(|| key.clone());
    let missing: Vec<_> = shared_keys.iter().zip(&contents).filter_map(missing).collect();
    if !missing.is_empty() {
        return Ok(Items::Missing(missing));
    }
    for ((at, member), content) in shared.into_iter().zip(contents.into_iter().flatten()) {
        items[at] = member.item_with(&content)?;
    }
    Ok(Items::All(items))
}

/// The content at each of these keys; `None` if there is none.
async fn read(
    executor: &Executor,
    deadline: Instant,
    keys: &[Bytes],
) -> Result<Vec<Option<Bytes>>> {
    // Streams with shared content may have been moved into a cluster, where the keys of a command
    // have to be in one slot.
    let together = if executor.is_cluster() { 1 } else { KEYS_PER_COMMAND };
    let commands = keys.chunks(together).filter_map(|keys| {
        let (first, more) = keys.split_first()?;
        Some(Command::on_key("MGET", first.clone(), more.iter().cloned().map(Value::from)))
    });
    let mut contents = Vec::with_capacity(keys.len());
    for values in executor.all(deadline, commands.collect()).await? {
        contents.extend(reply::array(values)?.into_iter().map(without_count));
    }
    match contents.len() == keys.len() {
        true => Ok(contents),
        false => Err(reply::unexpected()),
    }
}

fn without_count(value: Value) -> Option<Bytes> {
    let mut value = value.into_bytes()?;
    (value.len() >= COUNT_LEN).then(|| value.split_off(COUNT_LEN))
}

/// The error for content that stays missing.
pub(crate) fn lost(key: &[u8], stream: &[u8]) -> Error {
    let [key, stream] = [key, stream].map(String::from_utf8_lossy);
    Error::new(
        ErrorKind::Corrupt,
        format!(
            "the content at the key `{key}` is missing, to which `{stream}` refers: restore it \
             from a backup, or delete the stream, or the item from it with ZREMRANGEBYSCORE; look \
             for what deleted it, such as a `maxmemory-policy` that evicts"
        ),
    )
}

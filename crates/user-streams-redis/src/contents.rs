//! Contents that several users share: each is stored once, at a key of its own, and read after the members that refer to it.
//!
//! The value at such a key is ten digits, the number of those members, and then the content. It is a string, not a hash, so
//! that one `MGET` reads the contents of a page.

use fred::{bytes::Bytes, types::Value};
use user_streams_core::{Error, ErrorKind, Result, StreamItem};

use crate::{
    backend::unexpected, client::Client, command::Command, keys::Keys, member::Member, scripts::COUNT,
};

/// Keys of a command; all commands are sent in one go.
const KEYS: usize = 1_000;

/// The items of a page.
pub(crate) enum Items {
    All(Vec<StreamItem>),
    /// The keys of contents that are not there.
    Missing(Vec<Bytes>),
}

/// The items of these members.
pub(crate) async fn of(client: &Client, keys: &Keys, members: &[Bytes]) -> Result<Items> {
    let members = members.iter().map(|member| Member::parse(member)).collect::<Result<Vec<_>>>()?;
    let apart: Vec<_> = members
        .iter()
        .filter(|member| member.is_shared())
        .map(|member| keys.item(member.created_at_us, member.id))
        .collect();
    let mut contents = match apart.is_empty() {
        true => Vec::new(),
        false => read(client, &apart).await?,
    }
    .into_iter();
    let missing: Vec<_> =
        apart.iter().zip(contents.as_slice()).filter(|(_, content)| content.is_none()).collect();
    if !missing.is_empty() {
        return Ok(Items::Missing(missing.into_iter().map(|(key, _)| key.clone()).collect()));
    }
    let items = members.iter().map(|member| match member.is_shared() {
        false => member.item(),
        true => member.item_with(&contents.next().flatten().unwrap_or_default()),
    });
    items.collect::<Result<_>>().map(Items::All)
}

/// What is at these keys, without the number; `None` for what is not there.
async fn read(client: &Client, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>> {
    // Keys of several slots may not be in one command, should these streams have been moved into a cluster.
    let together = if client.is_cluster() { 1 } else { KEYS };
    let commands = keys.chunks(together).filter_map(|keys| {
        let (first, more) = keys.split_first()?;
        Some(Command::on_key("MGET", first.clone(), more.iter().cloned().map(Value::from)))
    });
    let mut contents = Vec::with_capacity(keys.len());
    for answer in client.all(commands.collect()).await? {
        let Value::Array(values) = answer else { return Err(unexpected()) };
        contents.extend(values.into_iter().map(content));
    }
    match contents.len() == keys.len() {
        true => Ok(contents),
        false => Err(unexpected()),
    }
}

fn content(value: Value) -> Option<Bytes> {
    let mut value = value.into_bytes()?;
    (value.len() >= COUNT).then(|| value.split_off(COUNT))
}

/// For a content that stays missing.
pub(crate) fn lost(key: &[u8], stream: &[u8]) -> Error {
    let [key, stream] = [key, stream].map(String::from_utf8_lossy);
    Error::new(
        ErrorKind::Corrupt,
        format!(
            "the content at the key `{key}` is missing, to which `{stream}` refers: restore it from a backup, or delete the \
             stream, or the item from it with ZREMRANGEBYSCORE; look for what deleted it, such as a `maxmemory-policy` that evicts"
        ),
    )
}

//! Contents that several users share: each is stored once, at a key of its own, and read after the
//! members that refer to it.
//!
//! The value at such a key is ten digits, the number of those members, and then the content. It is
//! a string, not a hash, so that one `MGET` reads the contents of a page.

use fred::{bytes::Bytes, types::Value};
use tokio::time::Instant;
use user_streams_core::{Error, ErrorKind, Result, StreamItem};

use crate::{
    backend::unexpected,
    client::Client,
    command::Command,
    keys::Keys,
    member::{Member, PLACE},
    scripts::COUNT,
};

/// Keys of a command; all commands are sent in one go.
const KEYS: usize = 1_000;

/// What every server takes: its limits cannot be set lower.
const ALWAYS_TAKEN: usize = 1024 * 1024;

/// Refuses a content that the server would answer by closing the connection. One that does not tell
/// its limits is trusted.
pub(crate) async fn check_len(client: &Client, deadline: Instant, length: usize) -> Result<()> {
    if length + PLACE <= ALWAYS_TAKEN {
        return Ok(());
    }
    let limits = ["proto-max-bulk-len", "client-query-buffer-limit"];
    let ask = limits.map(|name| Command::to_server("CONFIG", vec!["GET".into(), name.into()]));
    for answer in client.told(deadline, ask.into()).await?.into_iter().flatten() {
        if let Value::Array(setting) = answer
            && let [name, limit] = setting.as_slice()
            && let (Some(name), Some(limit)) = (name.as_str(), limit.as_u64())
            && (length + PLACE) as u64 > limit
        {
            return Err(Error::new(
                ErrorKind::InvalidContent,
                format!("the content has {length} bytes, and `{name}` of the server is {limit}"),
            ));
        }
    }
    Ok(())
}

/// The items of a page.
pub(crate) enum Items {
    All(Vec<StreamItem>),
    /// The keys of contents that are not there.
    Missing(Vec<Bytes>),
}

/// The items of these members.
pub(crate) async fn of(
    client: &Client,
    deadline: Instant,
    keys: &Keys,
    members: &[Bytes],
) -> Result<Items> {
    let mut items = Vec::with_capacity(members.len());
    let (mut places, mut apart) = (Vec::new(), Vec::new());
    for member in members {
        let member = Member::parse(member)?;
        if member.is_shared() {
            places.push((items.len(), member));
            apart.push(keys.item(member.created_at_us, member.id));
        }
        items.push(member.item()?);
    }
    if apart.is_empty() {
        return Ok(Items::All(items));
    }
    let contents = read(client, deadline, &apart).await?;
    let missing = |(key, content): (&Bytes, &Option<_>)| content.is_none().then(|| key.clone());
    let missing: Vec<_> = apart.iter().zip(&contents).filter_map(missing).collect();
    if !missing.is_empty() {
        return Ok(Items::Missing(missing));
    }
    for ((at, member), content) in places.into_iter().zip(contents.into_iter().flatten()) {
        items[at] = member.item_with(&content)?;
    }
    Ok(Items::All(items))
}

/// What is at these keys, without the number; `None` for what is not there.
async fn read(client: &Client, deadline: Instant, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>> {
    // Keys of several slots may not be in one command, should these streams have been moved into a
    // cluster.
    let together = if client.is_cluster() { 1 } else { KEYS };
    let commands = keys.chunks(together).filter_map(|keys| {
        let (first, more) = keys.split_first()?;
        Some(Command::on_key("MGET", first.clone(), more.iter().cloned().map(Value::from)))
    });
    let mut contents = Vec::with_capacity(keys.len());
    for answer in client.all(deadline, commands.collect()).await? {
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
            "the content at the key `{key}` is missing, to which `{stream}` refers: restore it \
             from a backup, or delete the \
             stream, or the item from it with ZREMRANGEBYSCORE; look for what deleted it, such as \
             a `maxmemory-policy` that evicts"
        ),
    )
}

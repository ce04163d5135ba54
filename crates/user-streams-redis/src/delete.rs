//! Deleting a stream, and of the contents that it shares with others those that nobody else has.

use fred::{bytes::Bytes, types::Value};
use tokio::time::Instant;
use user_streams_core::Result;

use crate::{
    backend::{count, unexpected},
    client::Client,
    command::{Command, Range},
    keys::Keys,
    scripts,
};

/// Deletes the stream at `key` by one command that also says how many items there were; the key
/// goes with its last member. Contents that are stored apart stay.
pub(crate) async fn members(client: &Client, key: Bytes) -> Result<u64> {
    let deadline = client.deadline();
    while let Some(newest) = newest(client, deadline, key.clone()).await? {
        let deleted = count(&client.one_by(deadline, scripts::clear(key.clone(), newest)).await?)?;
        if deleted > 0 {
            return Ok(deleted);
        }
        // Somebody else has deleted that one; there may be others.
    }
    Ok(0)
}

/// Deletes the stream at `key`, some of its items at a time, with what nobody else has of their
/// contents. What is added meanwhile after the newest of them stays, and so a call that has to be
/// sent again deletes no more than was there.
pub(crate) async fn members_and_contents(client: &Client, keys: &Keys, key: Bytes) -> Result<u64> {
    let mut deleted = 0;
    while deleted == 0
        && let Some(mut last) = newest(client, client.deadline(), key.clone()).await?
    {
        loop {
            let Value::Array(answer) =
                client.one(scripts::delete(key.clone(), keys.items(), last)).await?
            else {
                return Err(unexpected());
            };
            let mut answer = answer.into_iter();
            deleted += answer.next().as_ref().map_or_else(|| Err(unexpected()), count)?;
            match answer.next() {
                Some(member) => last = member.into_bytes().ok_or_else(unexpected)?,
                None => break,
            }
        }
    }
    Ok(deleted)
}

/// The newest member. A delete goes no further: one whose caller has given up, or that a network
/// has held back, would otherwise take what was added since.
async fn newest(client: &Client, deadline: Instant, key: Bytes) -> Result<Option<Bytes>> {
    let Value::Array(members) =
        client.one_by(deadline, Command::range(key, Range::Ranks(0, 0))).await?
    else {
        return Err(unexpected());
    };
    members.into_iter().next().map(|member| member.into_bytes().ok_or_else(unexpected)).transpose()
}

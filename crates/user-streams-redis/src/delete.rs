//! Deleting a stream, and of the contents that it shares with others those that nobody else has.

use fred::{bytes::Bytes, types::Value};
use user_streams_core::Result;

use crate::{
    backend::{count, unexpected},
    client::Client,
    command::Command,
    keys::Keys,
    scripts,
};

/// Deletes the stream at `key` by one command that also says how many items there were; the key goes with its last member.
/// Contents that are stored apart stay.
pub(crate) async fn members(client: &Client, key: Bytes) -> Result<u64> {
    let all = [0.into(), (-1).into()];
    count(&client.one(Command::on_key("ZREMRANGEBYRANK", key, all)).await?)
}

/// Deletes the stream at `key`, some of its items at a time with what nobody else has of their contents. What is added
/// meanwhile after the newest of them stays, and so a call that has to be sent again deletes no more than was there.
pub(crate) async fn members_and_contents(client: &Client, keys: &Keys, key: Bytes) -> Result<u64> {
    let mut deleted = 0;
    let mut last = Bytes::new();
    loop {
        let Value::Array(answer) = client.one(scripts::delete(key.clone(), keys.items(), last)).await? else {
            return Err(unexpected());
        };
        let mut answer = answer.into_iter();
        deleted += answer.next().as_ref().map_or_else(|| Err(unexpected()), count)?;
        match answer.next() {
            Some(member) => last = member.into_bytes().ok_or_else(unexpected)?,
            None => return Ok(deleted),
        }
    }
}

//! Reads a range of several streams.

use fred::bytes::Bytes;

use super::page::Direction;
use crate::client::command::{Command, Script, integer};

static MERGED: Script = Script::new(concat!(include_str!("date.lua"), include_str!("merged.lua")));

/// Reads up to `number` members of each of these streams, from a score on, as described in the
/// script. With a stream is the score below which nothing of it is wanted.
pub(crate) fn merged(
    streams: Vec<(Bytes, Option<i64>)>,
    from: Option<i64>,
    direction: Direction,
    number: u64,
) -> Command {
    let direction = match direction {
        Direction::Older => "older",
        Direction::Newer => "newer",
    };
    let text = |score: Option<i64>| score.map(|score| score.to_string()).unwrap_or_default();
    let (keys, least): (Vec<_>, Vec<_>) = streams.into_iter().unzip();
    let args = [integer(number), direction.into(), text(from).into()];
    MERGED.run(keys, args.into_iter().chain(least.into_iter().map(|least| text(least).into())))
}

//! Whom a command is for: users who are named, the lines of a file, or audiences.

use user_streams::{Audience, Streams, UserId, audience, everyone};

use crate::{failure::Failure, flags, lines::Lines, user_ids};

/// No id is longer, in bytes.
const MAX_LINE: u64 = 1_024;

/// The recipients of a command.
#[derive(Debug)]
pub(crate) enum Whom {
    Users(Vec<UserId>),
    Audiences(Vec<Audience>),
    Lines(Lines<UserId>),
}

impl Whom {
    pub(crate) fn new(flags: &flags::Recipients, streams: &Streams) -> Result<Self, Failure> {
        if let Some(file) = &flags.users_from {
            let kind = streams.capabilities().user_id();
            let parse = move |line: &str| user_ids::parse(kind, line);
            return Lines::open(file, MAX_LINE, parse).map(Self::Lines);
        }
        if flags.everyone {
            return Ok(Self::Audiences(vec![everyone()]));
        }
        if !flags.audience.is_empty() {
            return Ok(Self::Audiences(flags.audience.iter().map(audience).collect()));
        }
        user_ids::parse_all(streams, &flags.users).map(Self::Users)
    }
}

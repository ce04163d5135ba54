//! Ids of users as texts.

use user_streams::{Streams, UserId, UserIdKind};

use crate::failure::Failure;

/// The id that a text is, in streams with ids of one kind.
pub(crate) fn parse(kind: UserIdKind, text: &str) -> Result<UserId, Failure> {
    let id = match kind {
        UserIdKind::BigInt => text.parse().ok().map(UserId::Int),
        UserIdKind::Uuid => text.parse().ok().map(UserId::Uuid),
        UserIdKind::Text => Some(UserId::Text(text.to_owned())),
        _ => None,
    };
    let id = id.ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        Failure::usage(format!(
            "{shown:?} is no {kind} id, which these streams have; for ids of another kind give \
             `--option user_id=text` or `uuid`"
        ))
    })?;
    id.check(kind)?;
    Ok(id)
}

/// The ids that these texts are.
pub(crate) fn parse_all(streams: &Streams, texts: &[String]) -> Result<Vec<UserId>, Failure> {
    let kind = streams.capabilities().user_id();
    texts.iter().map(|text| parse(kind, text)).collect()
}

/// The id that a text is.
pub(crate) fn parse_one(streams: &Streams, text: &str) -> Result<UserId, Failure> {
    parse(streams.capabilities().user_id(), text)
}

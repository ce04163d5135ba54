//! What is published when items come: compact JSON, such as
//! `{"v":1,"feed":"news","ids":"bigint","users":[42],"item":"AAAG…"}`.
//!
//! `feed` is missing for the main streams, and `item`, a cursor, if there are several.

use fred::bytes::Bytes;
use serde::{Deserialize, Serialize};
use user_streams_core::{Cursor, Name, UserId, UserIdKind, backend::Hint};

const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
struct Notice<U> {
    v: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    feed: Option<String>,
    ids: UserIdKind,
    users: Vec<U>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    item: Option<Cursor>,
}

/// An id, whose kind is said once.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Id {
    Int(i64),
    Text(String),
}

/// That these users' streams of a feed, or the main ones, have changed: by an item, or by several.
pub(crate) fn encode<'a>(
    feed: Option<&Name>,
    users: impl IntoIterator<Item = &'a UserId>,
    item: Option<Cursor>,
) -> Bytes {
    let mut ids = UserIdKind::BigInt;
    let users = users.into_iter().map(|user| match user {
        UserId::Int(id) => Id::Int(*id),
        UserId::Text(id) => {
            ids = UserIdKind::Text;
            Id::Text(id.clone())
        }
        other => {
            ids = UserIdKind::Uuid;
            Id::Text(other.to_string())
        }
    });
    let users = users.collect();
    let feed = feed.map(|feed| feed.as_str().to_owned());
    let notice = Notice { v: VERSION, feed, ids, users, item };
    // Only a type that JSON has nothing for could fail. Then it is not understood, and all look.
    serde_json::to_vec(&notice).unwrap_or_default().into()
}

/// What a message says; `None` if it cannot be understood.
pub(crate) fn decode(message: &[u8]) -> Option<Hint> {
    let Notice { v, feed, ids, users, item } = serde_json::from_slice(message).ok()?;
    if v != VERSION {
        return None;
    }
    let feed = match feed {
        Some(feed) => Some(feed.parse().ok()?),
        None => None,
    };
    let user = |id| match (ids, id) {
        (UserIdKind::BigInt, Id::Int(id)) => Some(UserId::Int(id)),
        (UserIdKind::Text, Id::Text(id)) => Some(UserId::Text(id)),
        (UserIdKind::Uuid, Id::Text(id)) => Some(UserId::Uuid(id.parse().ok()?)),
        _ => None,
    };
    let hint = Hint::new(feed).with_users(users.into_iter().map(user).collect::<Option<_>>()?);
    Some(match item {
        Some(item) => hint.with_item(item),
        None => hint,
    })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use user_streams_core::ItemId;

    use super::*;

    fn item() -> Cursor {
        Cursor::new(DateTime::from_timestamp_micros(1).unwrap(), ItemId::try_from(2).unwrap())
    }

    #[test]
    fn a_notice_is_compact_and_comes_back_as_itself() {
        let news: Name = "news".parse().unwrap();
        for (feed, users, item, text) in [
            (None, vec![UserId::Int(42), UserId::Int(-7)], Some(item()), "[42,-7]"),
            (Some(&news), vec![UserId::Text("a\"☃\n{".into())], None, r#"["a\"☃\n{"]"#),
            (
                Some(&news),
                vec![UserId::Uuid("550e8400-e29b-41d4-a716-446655440000".parse().unwrap())],
                None,
                "[\"550e8400-e29b-41d4-a716-446655440000\"]",
            ),
        ] {
            let message = encode(feed, &users, item);
            assert!(std::str::from_utf8(&message).unwrap().contains(text), "{message:?}");
            let hint = decode(&message).unwrap();
            let expected = Hint::new(feed.cloned()).with_users(users);
            assert_eq!(hint, item.map_or(expected.clone(), |item| expected.with_item(item)));
        }
        let message = encode(None, &[UserId::Int(42)], Some(item()));
        let expected = format!(r#"{{"v":1,"ids":"bigint","users":[42],"item":"{}"}}"#, item());
        assert_eq!(message, expected);
    }

    #[test]
    fn what_is_no_notice_is_not_understood() {
        for message in [
            "",
            "42",
            "{",
            r#"{"v":2,"ids":"bigint","users":[1]}"#,
            r#"{"v":1,"ids":"bigint","users":["1"]}"#,
            r#"{"v":1,"ids":"uuid","users":["1"]}"#,
            r#"{"v":1,"feed":"A b","ids":"bigint","users":[1]}"#,
            r#"{"v":1,"ids":"bigint","users":[1],"item":"x"}"#,
            "\u{0}",
        ] {
            assert_eq!(decode(message.as_bytes()), None, "{message}");
        }
        // What a later version adds is ignored.
        assert!(decode(br#"{"v":1,"ids":"bigint","users":[1],"more":[]}"#).is_some());
    }
}

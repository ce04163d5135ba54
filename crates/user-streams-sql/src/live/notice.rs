//! What a notification says, as a short text that every version of the library reads.

use serde::{Deserialize, Serialize};
use user_streams_core::{Cursor, Name, StreamItem, UserId, backend::Hint};
use uuid::Uuid;

use crate::dialect::StoredId;

/// The version of the format. A reader of an older one takes nothing but the feed from it.
const VERSION: u32 = 1;
/// The server takes 8,000 bytes, in an encoding of its own.
const MAX_LEN: usize = 4_000;
/// How many users are named.
const MAX_USERS: usize = 100;

/// What a notification was read as.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    Hint(Hint),
    /// That notifications arrive.
    Probe(String),
    /// Nothing that this version can read.
    Unknown,
}

/// The text, in JSON.
#[derive(Debug, Serialize, Deserialize)]
struct Text {
    #[serde(rename = "v")]
    version: u32,
    /// In every version; the main streams without.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    feed: Option<Name>,
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    users: Option<Users>,
    /// `created_at_us, id`
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    item: Option<(i64, i64)>,
}

/// What the text has in every version.
#[derive(Debug, Deserialize)]
struct AnyText {
    #[serde(rename = "v")]
    _version: u32,
    #[serde(rename = "f", default)]
    feed: Option<Name>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Probe {
    #[serde(rename = "p")]
    probe: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Users {
    BigInt(Vec<i64>),
    Uuid(Vec<Uuid>),
    Text(Vec<String>),
}

impl Notice {
    /// The text of a hint of these users, who are not named if they are many, and of this item.
    pub(crate) fn text(
        feed: Option<&Name>,
        users: Option<&[UserId]>,
        item: Option<Cursor>,
    ) -> String {
        let mut text = Text {
            version: VERSION,
            feed: feed.cloned(),
            users: users.filter(|users| users.len() <= MAX_USERS).and_then(Users::of),
            item: item.map(|item| (item.created_at_us(), item.id().get())),
        };
        let short = to_json(&text);
        if short.len() <= MAX_LEN {
            return short;
        }
        text.users = None;
        to_json(&text)
    }

    /// The text of a probe.
    pub(crate) fn probe_text(probe: &str) -> String {
        to_json(&Probe { probe: probe.to_owned() })
    }

    pub(crate) fn read(text: &str) -> Self {
        if let Ok(Probe { probe }) = serde_json::from_str(text) {
            return Self::Probe(probe);
        }
        match serde_json::from_str(text) {
            Ok(Text { version: VERSION, feed, users, item }) => Self::Hint(hint(feed, users, item)),
            _ => match serde_json::from_str(text) {
                Ok(AnyText { feed, .. }) => Self::Hint(Hint::new(feed)),
                Err(_) => Self::Unknown,
            },
        }
    }
}

/// It cannot fail: there is no map whose keys are no texts.
fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn hint(feed: Option<Name>, users: Option<Users>, item: Option<(i64, i64)>) -> Hint {
    let mut hint = Hint::new(feed);
    if let Some(users) = users {
        hint = hint.with_users(users.into_ids());
    }
    if let Some((at, id)) = item {
        match StreamItem::from_stored(id, at, String::new()) {
            Ok(item) => hint = hint.with_item(item.cursor()),
            // Without an item, and without users, it is of anyone's.
            Err(_) => hint = Hint::new(hint.feed),
        }
    }
    hint
}

impl Users {
    /// `None` if they are of a kind that a later core has, or of several.
    fn of(users: &[UserId]) -> Option<Self> {
        let ids = || users.iter().map(StoredId::from);
        match ids().next()? {
            StoredId::Int(_) => ids()
                .map(|id| if let StoredId::Int(id) = id { Some(id) } else { None })
                .collect::<Option<_>>()
                .map(Self::BigInt),
            StoredId::Uuid(_) => ids()
                .map(|id| if let StoredId::Uuid(id) = id { Some(id) } else { None })
                .collect::<Option<_>>()
                .map(Self::Uuid),
            StoredId::Text(_) => ids()
                .map(|id| if let StoredId::Text(id) = id { Some(id.to_owned()) } else { None })
                .collect::<Option<_>>()
                .map(Self::Text),
            StoredId::Null => None,
        }
    }

    fn into_ids(self) -> Vec<UserId> {
        match self {
            Self::BigInt(ids) => ids.into_iter().map(UserId::Int).collect(),
            Self::Uuid(ids) => ids.into_iter().map(UserId::Uuid).collect(),
            Self::Text(ids) => ids.into_iter().map(UserId::Text).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use user_streams_core::NewItem;

    use super::*;

    fn news() -> Name {
        "news".parse().unwrap()
    }

    #[test]
    fn a_hint_comes_back_as_itself() {
        let item = NewItem::new("item").cursor();
        for feed in [None, Some(news())] {
            for users in [
                None,
                Some(vec![UserId::Int(i64::MIN), UserId::Int(7)]),
                Some(vec![UserId::Uuid(Uuid::from_u128(9))]),
                Some(vec![UserId::from("a\"\\☃ '\n"), UserId::from("")]),
            ] {
                for item in [None, Some(item)] {
                    let text = Notice::text(feed.as_ref(), users.as_deref(), item);
                    let mut hint = Hint::new(feed.clone());
                    (hint.users, hint.item) = (users.clone(), item);
                    assert_eq!(Notice::read(&text), Notice::Hint(hint), "{text}");
                }
            }
        }
        let text = Notice::text(None, Some(&[UserId::Int(7)]), None);
        assert_eq!(text, r#"{"v":1,"u":{"bigint":[7]}}"#);
    }

    #[test]
    fn many_users_and_long_ids_are_not_named() {
        let item = NewItem::new("item").cursor();
        let named = |users: Vec<UserId>| {
            let text = Notice::text(Some(&news()), Some(&users), Some(item));
            assert!(text.len() <= MAX_LEN);
            match Notice::read(&text) {
                Notice::Hint(hint) => hint.users.is_some(),
                other => panic!("{other:?}"),
            }
        };
        assert!(named((0..100).map(UserId::Int).collect()));
        assert!(!named((0..101).map(UserId::Int).collect()));
        let long = |count| (0..count).map(|n| UserId::Text(format!("{n:>255}"))).collect();
        assert!(named(long(10)));
        assert!(!named(long(20)));
    }

    #[test]
    fn of_what_it_cannot_read_it_takes_the_feed() {
        let feed = |text| match Notice::read(text) {
            Notice::Hint(hint) => {
                assert_eq!((&hint.users, hint.item), (&None, None), "{text}");
                hint.feed
            }
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(feed(r#"{"v":2,"f":"news","u":["of another format"]}"#), Some(news()));
        assert_eq!(feed(r#"{"v":2,"x":1}"#), None);
        assert_eq!(feed(r#"{"v":1,"u":{"none":[]}}"#), None);
        assert_eq!(feed(r#"{"v":1,"u":{"bigint":[7]},"i":[-1,-1]}"#), None);
        for text in ["", "news", "{}", r#"{"v":1,"f":"No Name"}"#, r#"{"f":"news"}"#] {
            assert_eq!(Notice::read(text), Notice::Unknown, "{text}");
        }
        assert_eq!(Notice::read(&Notice::probe_text("x")), Notice::Probe("x".to_owned()));
    }
}

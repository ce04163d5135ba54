//! The names of keys.
//!
//! A user's stream is at `<prefix>:user:<id>`. A further key of the same user puts that whole name
//! in braces and something after it, `{<prefix>:user:<id>}:read`, so that a cluster keeps both in
//! one slot. A content that several users share is at `<prefix>:item:<created_at in
//! microseconds>:<id of the item>`.
//!
//! Two different ids never share a key, nor do two prefixes: braces, percent signs and control
//! characters are percent-encoded, which is reversible; a colon within an id is harmless, since a
//! valid prefix has no `:user:` of its own, and so the first `:user:` in a key is where its prefix
//! ends. No key has a brace, so that the whole of it is hashed and no id can choose its slot.

use std::fmt::Write;

use fred::bytes::Bytes;
use user_streams_core::{Error, ErrorKind, Result, UserId};

/// `<prefix>:user:` and `<prefix>:item:`, encoded.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    stem: String,
    items: String,
}

impl Keys {
    pub(crate) fn new(prefix: &str) -> Result<Self> {
        let encoded = encode(prefix);
        let stem = format!("{encoded}:user:");
        // Only the one that was just written may be there.
        if stem.find(":user:") != Some(stem.len() - ":user:".len()) {
            return Err(Error::new(
                ErrorKind::InvalidSettings,
                "key_prefix: it has `:user:` in it or `:user` at its end, so that its keys could \
                 be those of another \
                 prefix",
            ));
        }
        Ok(Self { stem, items: format!("{encoded}:item:") })
    }

    /// The key of a user's stream.
    pub(crate) fn stream(&self, user: &UserId) -> Bytes {
        let mut key = String::with_capacity(self.stem.len() + 36);
        key.push_str(&self.stem);
        match user {
            UserId::Text(id) => encode_to(&mut key, id),
            // To a string these never fail.
            UserId::Int(id) => _ = write!(key, "{id}"),
            UserId::Uuid(id) => _ = write!(key, "{}", id.as_hyphenated()),
        }
        key.into()
    }

    /// The key of the content of an item that several users have.
    pub(crate) fn item(&self, created_at_us: i64, id: i64) -> Bytes {
        format!("{}{created_at_us}:{id}", self.items).into()
    }

    /// What the keys of all such items begin with.
    pub(crate) fn items(&self) -> Bytes {
        self.items.clone().into()
    }
}

fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    encode_to(&mut encoded, text);
    encoded
}

fn encode_to(key: &mut String, text: &str) {
    for character in text.chars() {
        if matches!(character, '{' | '}' | '%') || character.is_control() {
            let mut bytes = [0; 4];
            for byte in character.encode_utf8(&mut bytes).bytes() {
                _ = write!(key, "%{byte:02X}");
            }
        } else {
            key.push(character);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn key(prefix: &str, user: impl Into<UserId>) -> String {
        String::from_utf8(Keys::new(prefix).unwrap().stream(&user.into()).to_vec()).unwrap()
    }

    #[test]
    fn each_kind_has_one_form() {
        assert_eq!(key("user_streams", 42), "user_streams:user:42");
        assert_eq!(key("user_streams", i64::MIN), "user_streams:user:-9223372036854775808");
        let uuid = uuid::Uuid::from_u128(0xF3C0_B28F_61B6_5A86_9760_956B_C1A9_C6CA);
        assert_eq!(key("p", uuid), "p:user:f3c0b28f-61b6-5a86-9760-956bc1a9c6ca");
        assert_eq!(key("p", "a b:☃"), "p:user:a b:☃");
        assert_eq!(key("my:app", ""), "my:app:user:");
    }

    #[test]
    fn an_item_is_at_its_timestamp_and_id() {
        let keys = Keys::new("{p}").unwrap();
        assert_eq!(keys.item(-5, i64::MAX), "%7Bp%7D:item:-5:9223372036854775807");
        assert!(keys.item(0, 1).starts_with(&keys.items()));
    }

    #[test]
    fn no_id_chooses_its_slot() {
        assert_eq!(key("{p}%", "{x}\u{1}\n\u{85}%7B"), "%7Bp%7D%25:user:%7Bx%7D%01%0A%C2%85%257B");
    }

    #[test]
    fn no_two_prefixes_or_ids_share_a_key() {
        for bad in [":user:", "a:user:b", "a:user", ":user", "user_streams:user"] {
            assert_eq!(Keys::new(bad).unwrap_err().kind(), ErrorKind::InvalidSettings, "{bad}");
        }
        let parts = ["", ":", "user", ":u", "s", "%", "{", "%7B", "\n", "a"];
        let mut texts = vec![String::new()];
        for _ in 0..4 {
            texts = parts
                .iter()
                .flat_map(|part| texts.iter().map(move |text| format!("{text}{part}")))
                .collect();
            texts.sort();
            texts.dedup();
        }
        let some: Vec<_> = texts.iter().step_by(7).collect();
        let mut seen = HashMap::new();
        for prefix in texts.iter().step_by(11).filter(|prefix| Keys::new(prefix).is_ok()) {
            for id in &some {
                let former = seen.insert(key(prefix, id.as_str()), (prefix, *id));
                assert_eq!(former, None, "{prefix:?} {id:?}");
            }
        }
        assert!(seen.len() > 10_000);
    }
}

//! The names of keys.
//!
//! A user's stream is at `<prefix>:user:<id>`. A further key of the same user has that whole name
//! in braces and a suffix, `{<prefix>:user:<id>}:read`, so that a cluster keeps both in one slot.
//! Shared content is at `<prefix>:item:<created_at in microseconds>:<id of the item>`.
//!
//! No two ids share a key, nor do two prefixes. Braces, percent signs and control characters are
//! percent-encoded, which is reversible. A colon within an id is harmless: a valid prefix does not
//! contain `:user:`, so the first `:user:` in a key ends its prefix. No key contains a brace, so
//! the whole key is hashed and no id can choose its slot.

use std::fmt::Write;

use fred::bytes::Bytes;
use user_streams_core::{Error, Result, UserId};

use crate::{config::NAME, error::invalid_settings};

#[derive(Debug, Clone)]
pub(crate) struct Keys {
    /// `<prefix>:user:`, encoded.
    stream_prefix: String,
    /// `<prefix>:item:`, encoded.
    content_prefix: String,
}

impl Keys {
    pub(crate) fn new(prefix: &str) -> Result<Self> {
        let encoded = encode(prefix);
        let stream_prefix = format!("{encoded}:user:");
        // The one that was just appended has to be the first.
        if stream_prefix.find(":user:") != Some(stream_prefix.len() - ":user:".len()) {
            return Err(invalid_settings(
                "key_prefix: it contains `:user:` or ends with `:user`, so that its keys could be \
                 those of another prefix",
            ));
        }
        Ok(Self { stream_prefix, content_prefix: format!("{encoded}:item:") })
    }

    /// The key of a user's stream.
    pub(crate) fn stream(&self, user: &UserId) -> Result<Bytes> {
        let mut key = String::with_capacity(self.stream_prefix.len() + 36);
        key.push_str(&self.stream_prefix);
        match user {
            UserId::Text(id) => encode_to(&mut key, id),
            // Writing to a string never fails.
            UserId::Int(id) => _ = write!(key, "{id}"),
            UserId::Uuid(id) => _ = write!(key, "{}", id.as_hyphenated()),
            _ => return Err(Error::unsupported(NAME, "a user id of this kind")),
        }
        Ok(key.into())
    }

    /// The key of an item's shared content.
    pub(crate) fn shared_content(&self, created_at_us: i64, id: i64) -> Bytes {
        format!("{}{created_at_us}:{id}", self.content_prefix).into()
    }

    /// The prefix of all keys of shared content.
    pub(crate) fn shared_content_prefix(&self) -> Bytes {
        self.content_prefix.clone().into()
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

    use user_streams_core::ErrorKind;

    use super::*;

    fn key(prefix: &str, user: impl Into<UserId>) -> String {
        let key = Keys::new(prefix).unwrap().stream(&user.into()).unwrap();
        String::from_utf8(key.to_vec()).unwrap()
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
    fn shared_content_is_at_the_timestamp_and_id() {
        let keys = Keys::new("{p}").unwrap();
        assert_eq!(keys.shared_content(-5, i64::MAX), "%7Bp%7D:item:-5:9223372036854775807");
        assert!(keys.shared_content(0, 1).starts_with(&keys.shared_content_prefix()));
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

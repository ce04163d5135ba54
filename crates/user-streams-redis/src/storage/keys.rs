//! The names of keys.
//!
//! | key | what it holds |
//! |---|---|
//! | `<prefix>:stream:<id>` | a user's stream |
//! | `<prefix>:content:<created_at in microseconds>:<id of the item>` | shared content |
//! | `<prefix>:feed:<name>:<id>` | reserved for a stream of a named feed |
//!
//! No segment of a prefix, between its colons, is one of those three words. So the first of them in
//! a key ends its prefix, and neither a prefix nor an id can form the key of another, whatever
//! colons they contain. Braces, percent signs and control characters are percent-encoded, which is
//! reversible. No key contains a brace, so the whole key is hashed and no id can choose its slot.
//!
//! In a prefix the characters that a pattern of Redis gives a meaning, and spaces, which a pattern
//! of an ACL cannot contain, are percent-encoded as well. So `~<prefix>:stream:*` matches the
//! streams of that prefix and no other key.

use std::fmt::Write;

use fred::bytes::Bytes;
use user_streams_core::{Error, Result, UserId};

use crate::{config::NAME, error::invalid_settings};

/// The segments that end a prefix.
const RESERVED: [&str; 3] = ["stream", "content", "feed"];

#[derive(Debug, Clone)]
pub(crate) struct Keys {
    /// `<prefix>:stream:`, encoded.
    stream_prefix: String,
    /// `<prefix>:content:`, encoded.
    content_prefix: String,
}

impl Keys {
    pub(crate) fn new(prefix: &str) -> Result<Self> {
        if let Some(segment) = prefix.split(':').find(|segment| RESERVED.contains(segment)) {
            return Err(invalid_settings(format!(
                "key_prefix: `{segment}` must not be a segment of it, between its colons: its keys \
                 could be those of another prefix"
            )));
        }
        let mut encoded = String::with_capacity(prefix.len());
        encode_to(&mut encoded, prefix, |character| {
            is_structural(character) || is_of_a_pattern(character)
        });
        Ok(Self {
            stream_prefix: format!("{encoded}:stream:"),
            content_prefix: format!("{encoded}:content:"),
        })
    }

    /// The key of a user's stream.
    pub(crate) fn stream(&self, user: &UserId) -> Result<Bytes> {
        let mut key = String::with_capacity(self.stream_prefix.len() + 36);
        key.push_str(&self.stream_prefix);
        match user {
            UserId::Text(id) => encode_to(&mut key, id, is_structural),
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

/// What is encoded in prefixes and ids.
fn is_structural(character: char) -> bool {
    matches!(character, '{' | '}' | '%') || character.is_control()
}

/// What is encoded in prefixes as well. `]`, `^` and `-` have a meaning only after a `[`.
fn is_of_a_pattern(character: char) -> bool {
    matches!(character, '*' | '?' | '[' | '\\' | ' ')
}

fn encode_to(key: &mut String, text: &str, is_encoded: impl Fn(char) -> bool) {
    for character in text.chars() {
        if is_encoded(character) {
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
#[path = "keys_tests.rs"]
mod tests;

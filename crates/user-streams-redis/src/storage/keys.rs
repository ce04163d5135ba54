//! The names of keys.
//!
//! | key | what it holds |
//! |---|---|
//! | `<prefix>:stream:<id>` | a user's stream |
//! | `<prefix>:content:<created_at in microseconds>:<id of the item>` | shared content |
//! | `<prefix>:mark:{<prefix>:stream:<id>}` | a user's marks |
//! | `<prefix>:feed:<name>:…` | a named feed: all of these again |
//!
//! No segment of a prefix, between its colons, is one of those four words. So the first of them in
//! a key ends its prefix, and neither a prefix nor an id can form the key of another, whatever
//! colons they contain. A feed's name has no colon. Braces, percent signs and control characters
//! are percent-encoded, which is reversible. The only braces in a key are those around the key of a
//! stream in that of its marks, which put both into one slot of a cluster; any other key is hashed
//! as a whole. So no id can choose its slot.
//!
//! In a prefix the characters that a pattern of Redis gives a meaning, and spaces, which a pattern
//! of an ACL cannot contain, are percent-encoded as well. So `~<prefix>:stream:*` matches the
//! streams of that prefix and no other key, and the patterns of the other words likewise.

use std::fmt::Write;

use fred::bytes::Bytes;
use user_streams_core::{Error, Name, Result, UserId, UserIdKind};

use crate::{config::NAME, error::invalid_settings, storage::slots::tag};

/// The segments that end a prefix.
const RESERVED: [&str; 4] = ["stream", "content", "mark", "feed"];

#[derive(Debug, Clone)]
pub(crate) struct Keys {
    /// Encoded. A feed's has the name of the feed at its end.
    prefix: String,
    /// `<prefix>:stream:`.
    stream_prefix: String,
    /// `<prefix>:content:`.
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
        Ok(Self::under(encoded))
    }

    /// The keys of a named feed beside these.
    pub(crate) fn feed(&self, name: &Name) -> Self {
        Self::under(format!("{}:feed:{name}", self.prefix))
    }

    fn under(prefix: String) -> Self {
        Self {
            stream_prefix: format!("{prefix}:stream:"),
            content_prefix: format!("{prefix}:content:"),
            prefix,
        }
    }

    /// The key of a user's stream.
    pub(crate) fn stream(&self, user: &UserId) -> Result<Bytes> {
        self.stream_text(user).map(Bytes::from)
    }

    /// The key of a user's marks, in the same slot as the stream.
    pub(crate) fn marks(&self, user: &UserId) -> Result<Bytes> {
        let stream = self.stream_text(user)?;
        Ok(format!("{}:mark:{{{stream}}}", self.prefix).into())
    }

    fn stream_text(&self, user: &UserId) -> Result<String> {
        let mut key = String::with_capacity(self.stream_prefix.len() + 36);
        key.push_str(&self.stream_prefix);
        match user {
            UserId::Text(id) => encode_to(&mut key, id, is_structural),
            // Writing to a string never fails.
            UserId::Int(id) => _ = write!(key, "{id}"),
            UserId::Uuid(id) => _ = write!(key, "{}", id.as_hyphenated()),
            _ => return Err(Error::unsupported(NAME, "a user id of this kind")),
        }
        Ok(key)
    }

    /// The user whose stream is at this key; `None` if it is another key, or the id of another
    /// kind.
    pub(crate) fn user(&self, key: &[u8], kind: UserIdKind) -> Option<UserId> {
        let id = key.strip_prefix(self.stream_prefix.as_bytes())?;
        let text = std::str::from_utf8(id).ok()?;
        let user = match kind {
            UserIdKind::BigInt => UserId::Int(text.parse().ok()?),
            UserIdKind::Uuid => UserId::Uuid(text.parse().ok()?),
            UserIdKind::Text => UserId::Text(decode(text)?),
            _ => return None,
        };
        // Only if it is written as it is here: `007` is nobody's.
        (self.stream(&user).ok()? == key).then_some(user)
    }

    /// A key that is never there, by which a server knows the slot of `tag`, in braces.
    pub(crate) fn in_slot_of(&self, tag: u32) -> Bytes {
        format!("{}{{{tag}}}", self.stream_prefix).into()
    }

    /// The channel by which a server tells what comes, into feeds as well.
    pub(crate) fn channel(&self) -> Bytes {
        format!("{}{{live}}", self.stream_prefix).into()
    }

    /// The channel of a slot of a cluster, which is in that slot itself.
    pub(crate) fn channel_of(&self, slot: u16) -> Bytes {
        self.in_slot_of(tag(slot))
    }

    /// The key of an item's shared content.
    pub(crate) fn shared_content(&self, created_at_us: i64, id: i64) -> Bytes {
        format!("{}{created_at_us}:{id}", self.content_prefix).into()
    }

    /// The prefix of all keys of shared content.
    pub(crate) fn shared_content_prefix(&self) -> Bytes {
        self.content_prefix.clone().into()
    }

    /// The prefix of all keys of streams.
    pub(crate) fn stream_prefix(&self) -> &str {
        &self.stream_prefix
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

/// The text that was encoded so.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend(parts.next()?.bytes());
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend(rest.bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;

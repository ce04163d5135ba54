//! A command to Redis, apart from how it gets there.

use fred::{bytes::Bytes, types::Value, util::redis_keyslot};

/// A command that may be sent again: every one that this crate has leaves the same behind if it is applied twice.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) name: &'static str,
    pub(crate) args: Vec<Value>,
    /// The key that decides which server of a cluster it goes to.
    key: Option<Bytes>,
}

impl Command {
    /// A command about a key.
    pub(crate) fn new(name: &'static str, key: Bytes, args: Vec<Value>) -> Self {
        Self { name, args, key: Some(key) }
    }

    /// A command about a key that is its first argument.
    pub(crate) fn on_key(name: &'static str, key: Bytes, more: impl IntoIterator<Item = Value>) -> Self {
        let args = std::iter::once(key.clone().into()).chain(more).collect();
        Self::new(name, key, args)
    }

    /// A command to a server, whichever.
    pub(crate) fn to_server(name: &'static str, args: Vec<Value>) -> Self {
        Self { name, args, key: None }
    }

    /// The hash slot.
    pub(crate) fn slot(&self) -> u16 {
        self.key.as_deref().map_or(0, redis_keyslot)
    }
}

/// As an argument; over `i64::MAX`, which no length or rank reaches, it is that.
pub(crate) fn integer(number: u64) -> Value {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

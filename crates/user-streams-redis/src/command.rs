//! A command to Redis, apart from how it gets there.

use fred::{bytes::Bytes, types::Value, util::redis_keyslot};

/// A command that may be sent again: every one that this crate has leaves the same behind if it is
/// applied twice.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) call: Call,
    /// The key that decides which server of a cluster it goes to.
    key: Option<Bytes>,
}

/// What the server is told.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    /// Any command, by its name and its arguments. fred writes it to the socket at once.
    Any(&'static str, Vec<Value>),
    /// A ZRANGE. fred knows it, and writes it together with others that wait.
    Range(Bytes, Range),
}

/// A part of a sorted set.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Range {
    /// From one rank to another, the newest first.
    Ranks(u64, u64),
    /// Up to so many from a score on downwards, the newest first.
    Down(i64, u64),
    /// Up to so many from a score on upwards, the oldest first.
    Up(i64, u64),
}

impl Command {
    /// A command about a key.
    pub(crate) fn new(name: &'static str, key: Bytes, args: Vec<Value>) -> Self {
        Self { call: Call::Any(name, args), key: Some(key) }
    }

    /// A command about a key that is its first argument.
    pub(crate) fn on_key(
        name: &'static str,
        key: Bytes,
        more: impl IntoIterator<Item = Value>,
    ) -> Self {
        let args = std::iter::once(key.clone().into()).chain(more).collect();
        Self::new(name, key, args)
    }

    /// A command that reads a part of the sorted set at a key.
    pub(crate) fn range(key: Bytes, range: Range) -> Self {
        Self { call: Call::Range(key.clone(), range), key: Some(key) }
    }

    /// A command to a server, whichever.
    pub(crate) fn to_server(name: &'static str, args: Vec<Value>) -> Self {
        Self { call: Call::Any(name, args), key: None }
    }

    /// The hash slot.
    pub(crate) fn slot(&self) -> u16 {
        self.key.as_deref().map_or(0, redis_keyslot)
    }
}

/// As an argument; over `i64::MAX`, which no length or rank reaches, it is that.
pub(crate) fn integer(number: u64) -> Value {
    rank(number).into()
}

/// As fred takes it.
pub(crate) fn rank(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

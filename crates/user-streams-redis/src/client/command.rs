//! Commands, independent of how they are sent.

use std::sync::OnceLock;

use fred::{
    bytes::Bytes,
    interfaces::{ClientLike, SortedSetsInterface},
    types::{
        ClusterHash, CustomCommand, FromValue, Value,
        sorted_sets::{ZRange, ZRangeBound, ZRangeKind, ZSort},
    },
    util::{redis_keyslot, sha1_hash},
};
use futures_util::future::BoxFuture;

use crate::error::Fault;

/// The reply to a command.
pub(crate) type Reply = Result<Value, Fault>;

/// A command. All commands of this crate are idempotent, so that each may be sent again.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    call: Call,
    /// The key that decides which server of a cluster gets it.
    key: Option<Bytes>,
    /// What `EVALSHA` runs.
    script: Option<&'static Script>,
    /// What is sent to the source of a slot that moves, before this is sent to its target; the
    /// reply is that of both.
    joined_to: Option<Box<Command>>,
    /// What is sent to the source of a slot that moves, after this was done by its target.
    followed_by: Option<Box<Command>>,
}

/// What is told to those who watch.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    pub(crate) channel: Bytes,
    pub(crate) message: Bytes,
    /// Whether the channel is one of a slot of a cluster.
    pub(crate) is_sharded: bool,
}

#[derive(Debug, Clone)]
enum Call {
    /// The name and the arguments. fred flushes the socket after each of these.
    Custom(&'static str, Vec<Value>),
    /// `ZRANGE`, which fred knows, and so buffers with other commands that are queued.
    Range(Bytes, Range),
}

/// A range of a sorted set.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Range {
    /// From the first rank to the last, the newest first.
    Ranks(u64, u64),
    /// From a score downwards, the newest first, up to a limit.
    Down(i64, u64),
    /// From a score upwards, the oldest first, up to a limit.
    Up(i64, u64),
}

/// A Lua script.
#[derive(Debug)]
pub(crate) struct Script {
    text: &'static str,
    hash: OnceLock<Bytes>,
}

impl Script {
    pub(crate) const fn new(text: &'static str) -> Self {
        Self { text, hash: OnceLock::new() }
    }

    /// Runs the script by its hash; `Fault::NoScript` if the server does not have it. The first key
    /// decides which server of a cluster gets it.
    pub(crate) fn run(
        &'static self,
        keys: Vec<Bytes>,
        args: impl IntoIterator<Item = Value>,
    ) -> Command {
        let hash = self.hash.get_or_init(|| sha1_hash(self.text).into());
        let key = keys.first().cloned();
        let mut call = Vec::with_capacity(keys.len() + 8);
        call.extend([hash.clone().into(), integer(keys.len() as u64)]);
        call.extend(keys.into_iter().map(Value::from));
        call.extend(args);
        Command { key, script: Some(self), ..Command::new(Call::Custom("EVALSHA", call)) }
    }
}

impl Command {
    fn new(call: Call) -> Self {
        Self { call, key: None, script: None, joined_to: None, followed_by: None }
    }

    /// A command on a key, which is its first argument.
    pub(crate) fn on_key(
        name: &'static str,
        key: Bytes,
        more: impl IntoIterator<Item = Value>,
    ) -> Self {
        let args = std::iter::once(key.clone().into()).chain(more).collect();
        Self { key: Some(key), ..Self::new(Call::Custom(name, args)) }
    }

    /// A command that reads a range of the sorted set at a key.
    pub(crate) fn range(key: Bytes, range: Range) -> Self {
        Self { key: Some(key.clone()), ..Self::new(Call::Range(key, range)) }
    }

    /// A command without a key, to any server.
    pub(crate) fn to_server(name: &'static str, args: Vec<Value>) -> Self {
        Self::new(Call::Custom(name, args))
    }

    /// The same of a script that tells it, by its last arguments. As long as a slot moves, its
    /// source has those who have subscribed to its channel.
    pub(crate) fn telling(mut self, notice: Notice) -> Self {
        let Notice { channel, message, is_sharded } = notice;
        let name = if is_sharded { "SPUBLISH" } else { "PUBLISH" };
        if let Call::Custom(_, args) = &mut self.call {
            args.extend([name.into(), channel.clone().into(), message.clone().into()]);
        }
        if is_sharded {
            let again = Self::on_key(name, channel, [message.into()]);
            self.followed_by = Some(Box::new(again));
        }
        self
    }

    /// The same, joined to what the source of a slot that moves replies to `command`: two arrays,
    /// as one.
    pub(crate) fn joined_to(mut self, command: Self) -> Self {
        self.joined_to = Some(Box::new(command));
        self
    }

    /// What it is joined to.
    pub(crate) fn at_source(&self) -> Option<&Self> {
        self.joined_to.as_deref()
    }

    /// What follows it.
    pub(crate) fn at_source_later(&self) -> Option<&Self> {
        self.followed_by.as_deref()
    }

    /// The hash slot of its key.
    pub(crate) fn slot(&self) -> u16 {
        self.key.as_deref().map_or(0, redis_keyslot)
    }

    /// `SCRIPT LOAD` of the scripts that these commands run, once each.
    pub(crate) fn loads(commands: &[&Self]) -> Vec<Self> {
        let mut scripts: Vec<&'static Script> = Vec::new();
        let mut loads = Vec::new();
        for command in commands {
            if let Some(script) = command.script
                && !scripts.iter().any(|known| std::ptr::eq(*known, script))
            {
                scripts.push(script);
                let text = Bytes::from_static(script.text.as_bytes());
                let args = vec!["LOAD".into(), text.into()];
                let key = command.key.clone();
                loads.push(Self { key, ..Self::new(Call::Custom("SCRIPT", args)) });
            }
        }
        loads
    }

    /// Sends it by a client of fred's, or queues it in a pipeline. Boxed, since the futures around
    /// it would otherwise exceed the compiler's recursion limit.
    pub(crate) fn send<'a, C, T>(
        &self,
        client: &'a C,
    ) -> BoxFuture<'a, Result<T, fred::error::Error>>
    where
        C: ClientLike + SortedSetsInterface + Sync,
        T: FromValue + 'a,
    {
        match &self.call {
            Call::Custom(name, args) => {
                let custom = CustomCommand::new_static(name, ClusterHash::FirstKey, false);
                Box::pin(client.custom(custom, args.clone()))
            }
            Call::Range(key, range) => {
                let (from, to, newest_first, limit) = range.bounds();
                let sort = limit.map(|_| ZSort::ByScore);
                Box::pin(client.zrange(key.clone(), from, to, sort, newest_first, limit, false))
            }
        }
    }
}

impl Range {
    /// From, to, whether the newest comes first, and offset and limit.
    fn bounds(self) -> (ZRange, ZRange, bool, Option<(i64, i64)>) {
        let bound = |range| ZRange { kind: ZRangeKind::Inclusive, range };
        let score = |score: i64| bound(ZRangeBound::Score(score as f64));
        match self {
            Self::Ranks(first, last) => {
                let index = |rank| bound(ZRangeBound::Index(saturating(rank)));
                (index(first), index(last), true, None)
            }
            Self::Down(from, limit) => {
                let lowest = bound(ZRangeBound::NegInfiniteScore);
                (score(from), lowest, true, Some((0, saturating(limit))))
            }
            Self::Up(from, limit) => {
                let highest = bound(ZRangeBound::InfiniteScore);
                (score(from), highest, false, Some((0, saturating(limit))))
            }
        }
    }
}

/// The indexes of the commands whose script the server does not have.
pub(crate) fn without_script(replies: &[Reply]) -> Vec<usize> {
    (0..replies.len()).filter(|&at| replies[at] == Err(Fault::NoScript)).collect()
}

/// An integer argument; at most `i64::MAX`, which no length or rank reaches.
pub(crate) fn integer(number: u64) -> Value {
    saturating(number).into()
}

fn saturating(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

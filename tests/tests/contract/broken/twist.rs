//! What can be wrong with the backend, as functions in the place of the right ones.

use user_streams_core::{
    Cursor, Error, Result, StreamItem, UserId,
    backend::{Capabilities, Capability, Position, Progress, StreamQuery},
};
use uuid::Uuid;

/// The parts of the backend. [`HONEST`] has them all right; a fault replaces one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Twist {
    /// The user whose stream is taken for that of a user.
    pub(crate) user: Ids,
    /// What is kept of a timestamp, in microseconds.
    pub(crate) created_at: fn(i64) -> i64,
    /// What is kept of the content.
    pub(crate) content: fn(&str) -> String,
    /// Whether an item that is there is the one to be delivered, if not by what identifies it.
    pub(crate) same: Option<fn(&Cursor, &Cursor) -> bool>,
    /// Whether the content of an item that is known is replaced.
    pub(crate) replaces_content: bool,
    /// Brings the places of a stream, which come in the order of their insertion, into that of
    /// reads.
    pub(crate) order: fn(&mut Vec<Cursor>),
    /// The part of a stream that was asked for.
    pub(crate) part: fn(&[Cursor], &StreamQuery) -> Result<Vec<Cursor>>,
    /// The item as it is given.
    pub(crate) shown: fn(StreamItem) -> StreamItem,
    /// The number of items: of the user, and of all users.
    pub(crate) count: fn(&[Cursor], usize) -> usize,
    /// The number delivered, of those who were named and those who are new to the item.
    pub(crate) delivered: fn(usize, u64) -> u64,
    pub(crate) adding: Adding,
    /// Reports the progress of an add that has delivered to so many.
    pub(crate) progress: fn(&mut Progress, u64),
    /// What is declared, as there are so many streams.
    pub(crate) capabilities: fn(Capabilities, usize) -> Capabilities,
    /// What an error becomes.
    pub(crate) error: fn(Error) -> Error,
    pub(crate) optional: Optional,
}

/// What an id becomes, if it is of this kind.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ids {
    Any(fn(UserId) -> UserId),
    Int(fn(i64) -> i64),
    Uuid(fn(u128) -> u128),
    Text(fn(&str) -> String),
}

impl Ids {
    pub(crate) fn change(self, user: UserId) -> UserId {
        match (self, user) {
            (Self::Any(change), user) => change(user),
            (Self::Int(change), UserId::Int(id)) => UserId::Int(change(id)),
            (Self::Uuid(change), UserId::Uuid(id)) => {
                UserId::from(Uuid::from_u128(change(id.as_u128())))
            }
            (Self::Text(change), UserId::Text(id)) => UserId::Text(change(&id)),
            (_, user) => user,
        }
    }
}

/// How an add goes about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Adding {
    /// Reads all recipients, and then delivers to all at once.
    Whole,
    /// Delivers to each chunk as it comes.
    ChunkByChunk,
    /// Takes a failure of the recipients for their end.
    UpToAFailure,
    /// Delivers to so many recipients alone.
    UpTo(usize),
    /// Leaves out the last user of those who fill a chunk.
    AllButOneOfAChunk,
    /// Knows within a chunk alone who was named before.
    TwiceAcrossChunks,
    /// Delivers to who is named twice, twice.
    TwiceIfNamedTwice,
    /// Stores the content before it knows whether anybody receives it.
    ContentFirst,
    /// Stores the content, does something else, and then the rows.
    RowsAfterContent,
    /// Stores half of it, does something else, and then the other half.
    InHalves,
    /// The same in a task that a dropped call does not end, until readers have looked.
    VisibleInParts,
    /// Lets no other add begin before it has all recipients.
    LockedWhileWaiting,
    /// Needs a runtime of many threads.
    BlocksInPlace,
    /// Holds a lock that a dropped future never gives back.
    LeakingALock,
    /// Reads a stream, does something else, and writes it back.
    ReadAndWriteBack,
    /// Fails if another add is under way, and says that a retry is no help.
    Alone,
    /// Says that it has delivered if another add is under way.
    CountsForAll,
    /// Waits for the add that is under way to tell that it has ended, even if that was dropped.
    AfterTheFirst,
    /// Says that it has ended before it has stored anything.
    Later,
    /// Looks whether the item is known, does something else, and stores it.
    LookAndStore,
    /// The same without giving way to another task of its thread.
    LookAndStoreAtOnce,
    /// Refuses recipients without any.
    RefusesNone,
}

/// What an optional operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Optional {
    Right,
    MigrateFailsAgain,
    MigrateWipes,
    MigrateFailsBesideAnother,
    DeleteTakesOthers,
    DeleteCountsNothing,
    DeleteLeavesTheOldest,
    DeleteIsForEver,
    DeleteFailsIfEmpty,
    DeleteCountsFirst,
    DeleteGoesOn,
    DeleteInHalves,
    PurgeTakesAll,
    PurgeCountsNothing,
    PurgeLeavesAll,
    CloseClosesAll,
    UnsupportedNamesNothing,
    UndeclaredButWorking,
    ReadsLeakLocks,
    TransactionOfAnyType,
    RepairTakesAll,
    RepairCountsAll,
    PingFails,
    PingAdds,
}

/// Everything as it must be.
pub(crate) const HONEST: Twist = Twist {
    user: Ids::Any(|user| user),
    created_at: |us| us,
    content: str::to_owned,
    same: None,
    replaces_content: false,
    order: |places| places.sort_unstable_by(|a, b| b.cmp(a)),
    part,
    shown: |item| item,
    count: |places, _| places.len(),
    delivered: |_, new| new,
    adding: Adding::Whole,
    progress: |report, delivered| report(delivered),
    capabilities: |all, _| all,
    error: |error| error,
    optional: Optional::Right,
};

/// The right part of a stream that is in order.
pub(crate) fn part(places: &[Cursor], query: &StreamQuery) -> Result<Vec<Cursor>> {
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let range = match query.position {
        Position::Offset(offset) => {
            usize::try_from(offset).unwrap_or(usize::MAX).min(places.len())..places.len()
        }
        Position::After(cursor) => places.partition_point(|place| *place >= cursor)..places.len(),
        Position::Before(cursor) => {
            let end = places.partition_point(|place| *place > cursor);
            end.saturating_sub(limit)..end
        }
        other => panic!("no core has asked for {other:?} so far"),
    };
    Ok(places[range].iter().take(limit).copied().collect())
}

/// All optional operations and promises.
pub(crate) fn declare_all(capabilities: Capabilities) -> Capabilities {
    Capability::ALL.iter().copied().fold(capabilities, Capabilities::with)
}

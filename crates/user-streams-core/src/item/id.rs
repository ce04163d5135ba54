//! The id of an item: made once, the same for every recipient and on every backend.

use std::{
    fmt,
    str::FromStr,
    sync::atomic::{AtomicI64, Ordering},
};

use chrono::Utc;
use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};

use crate::{Error, ErrorKind, Result, error::excerpt};

/// 2020-01-01T00:00:00Z in milliseconds since the Unix epoch.
const EPOCH_MILLIS: i64 = 1_577_836_800_000;
const COUNTER_BITS: u32 = 22;

/// The namespace of [`ItemId::from_event`]: the version 5 UUID of `user-streams` in the URL
/// namespace.
const EVENTS: Uuid = uuid!("f3c0b28f-61b6-5a86-9760-956bc1a9c6ca");

/// A positive 64-bit integer: 41 bits of milliseconds since 2020-01-01 UTC, then 22 bits that start
/// at random and count up. Strictly increasing within a process, so that items of one instant keep
/// the order of their insertion.
///
/// It only has to be unique among one user's items of one microsecond. As text it is decimal; in
/// JSON it is a string, since JavaScript's numbers end at 2^53. The layout is that of [snowflake
/// ids](https://en.wikipedia.org/wiki/Snowflake_ID).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ItemId(i64);

impl ItemId {
    pub(crate) const MIN: Self = Self(1);
    pub(crate) const MAX: Self = Self(i64::MAX);

    pub(crate) fn previous(self) -> Option<Self> {
        (self > Self::MIN).then(|| Self(self.0 - 1))
    }

    /// The next id of this process.
    pub fn generate() -> Self {
        static LAST: AtomicI64 = AtomicI64::new(0);
        let millis = (Utc::now().timestamp_millis() - EPOCH_MILLIS).clamp(0, (1 << 41) - 1);
        // The random start leaves the upper half free, to count up in.
        let start = millis << COUNTER_BITS | fastrand::i64(1..1 << (COUNTER_BITS - 1));
        let next = |last: i64| start.max(last.saturating_add(1));
        let update =
            LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)));
        let (Ok(last) | Err(last)) = update;
        Self(next(last))
    }

    /// The id that belongs to an application's own event: the same bytes give the same id, on every
    /// machine and in every version. An event that is delivered again with the same `created_at`
    /// then arrives once.
    ///
    /// It is the low 62 bits of the version 5 UUID ([RFC
    /// 9562](https://www.rfc-editor.org/rfc/rfc9562#section-5.5)) of the bytes in the namespace
    /// `f3c0b28f-61b6-5a86-9760-956bc1a9c6ca`, or 1 where those are 0.
    pub fn from_event(event: impl AsRef<[u8]>) -> Self {
        let (_, low) = Uuid::new_v5(&EVENTS, event.as_ref()).as_u64_pair();
        // Two bits of the low half are the UUID's variant. 62 bits always fit.
        Self(i64::try_from(low & (u64::MAX >> 2)).unwrap_or(1).max(1))
    }

    /// The id as a number.
    pub fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for ItemId {
    type Error = Error;

    fn try_from(id: i64) -> Result<Self> {
        if id > 0 { Ok(Self(id)) } else { Err(invalid(&id.to_string())) }
    }
}

impl TryFrom<String> for ItemId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl FromStr for ItemId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let id: i64 = text.parse().map_err(|_| invalid(text))?;
        Self::try_from(id)
    }
}

fn invalid(text: &str) -> Error {
    Error::new(
        ErrorKind::InvalidItemId,
        format!("{:?} is not an item id: expected a positive 64-bit number", excerpt(text)),
    )
}

impl From<ItemId> for i64 {
    fn from(id: ItemId) -> Self {
        id.0
    }
}

impl From<ItemId> for String {
    fn from(id: ItemId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn ids_increase_strictly_and_never_repeat_across_threads() {
        let batches = thread::scope(|scope| {
            let make = || (0..10_000).map(|_| ItemId::generate()).collect::<Vec<_>>();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(make)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(batches.iter().all(|ids| ids.is_sorted_by(|a, b| a < b)));
        let mut all: Vec<_> = batches.concat();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 40_000);
    }

    #[test]
    fn an_id_carries_its_milliseconds() {
        let millis = (ItemId::generate().get() >> COUNTER_BITS) + EPOCH_MILLIS;
        assert!((Utc::now().timestamp_millis() - millis).abs() < 10_000);
    }

    #[test]
    fn an_event_gives_the_id_it_always_gave() {
        assert_eq!(ItemId::from_event("order:7").get(), 819_650_258_400_731_694);
        assert_ne!(ItemId::from_event("order:7"), ItemId::from_event("order:8"));
    }

    #[test]
    fn text_and_json_are_decimal_strings() {
        let id = ItemId::try_from(42).unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"42\"");
        assert_eq!(serde_json::from_str::<ItemId>("\"42\"").unwrap(), id);
        for bad in ["0", "-1", "", "4.2", "99999999999999999999"] {
            assert_eq!(bad.parse::<ItemId>().unwrap_err().kind(), ErrorKind::InvalidItemId);
        }
        let error = "7".repeat(5_000_000).parse::<ItemId>().unwrap_err();
        assert!(error.message().len() < 200, "{} bytes", error.message().len());
    }
}

//! What a plan is made of. Users, items and instants are few, so that they meet.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

pub(super) const USERS: usize = 2;
/// The first is everyone.
pub(super) const AUDIENCES: usize = 3;
const OLDER_THAN_MAX_AGE: i64 = -10;
const TO_COME: i64 = 2;

/// Few instants for many items: microseconds around the midnights of three days.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    day: i64,
    micros: i64,
}

impl At {
    pub(super) fn instant(self) -> DateTime<Utc> {
        let midnight = Utc::now().date_naive().and_hms_opt(0, 0, 0).unwrap_or_default().and_utc();
        midnight + TimeDelta::days(self.day) + TimeDelta::microseconds(self.micros)
    }
}

/// Since when a user belongs to an audience, if ever; to everyone without a word.
#[derive(Debug, Clone, Copy)]
pub(super) enum Said {
    Nothing,
    Whole,
    Since(At),
}

/// Which streams are read, and what of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    pub(super) merged: bool,
    pub(super) said: [Said; AUDIENCES],
    pub(super) bounds: Bounds,
    pub(super) since: Option<At>,
    pub(super) until: Option<At>,
}

/// The settings that a trim has, too.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) max_len: Option<u64>,
    pub(super) max_age: bool,
    pub(super) hide_future: bool,
}

/// Those of a feed are in the one that is read, or in the one that may be merged with it.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Add { feed: usize, users: Vec<usize>, at: At, content: String },
    Again { feed: usize, users: Vec<usize>, item: usize },
    Bulk { feed: usize, rows: Vec<(usize, usize)> },
    Remove { feed: usize, users: Vec<usize>, item: usize },
    Send { feed: usize, audiences: Vec<usize>, at: At, content: String },
    SendAgain { feed: usize, audiences: Vec<usize>, item: usize },
    TakeBack { feed: usize, audiences: Vec<usize>, item: usize },
    Dismiss { feed: usize, user: usize, item: usize, undo: bool },
    Retract { feed: usize, item: usize, undo: bool },
    DeleteRange { feed: usize, user: usize, newer_than: usize, older_than: usize },
    DeleteUser { feed: usize, user: usize },
    Trim { feed: usize, bounds: Bounds },
    Slice { user: usize, view: View, start: usize, len: usize },
    Page { user: usize, view: View, item: usize, limit: usize, older: bool },
    Walk { user: usize, view: View, limit: usize },
    Unread { user: usize, view: View, limit: usize },
    MarkNewest { user: usize, view: View },
    MarkUpTo { user: usize, item: usize, back: bool },
    MarkItem { user: usize, item: usize, read: bool },
}

fn at() -> impl Strategy<Value = At> {
    let day = prop_oneof![1 => Just(OLDER_THAN_MAX_AGE), 6 => Just(0), 1 => Just(TO_COME)];
    (day, -3..3_i64).prop_map(|(day, micros)| At { day, micros })
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![2 => Just(Said::Nothing), 2 => Just(Said::Whole), 1 => at().prop_map(Said::Since)]
}

fn bounds() -> impl Strategy<Value = Bounds> {
    let max_len = proptest::option::of(0..8_u64);
    (max_len, any::<bool>(), any::<bool>()).prop_map(|(max_len, max_age, hide_future)| Bounds {
        max_len,
        max_age,
        hide_future,
    })
}

fn view() -> impl Strategy<Value = View> {
    let maybe = || proptest::option::weighted(0.3, at());
    (any::<bool>(), [said(), said(), said()], bounds(), maybe(), maybe()).prop_map(
        |(merged, said, bounds, since, until)| View { merged, said, bounds, since, until },
    )
}

fn users() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(0..USERS, 1..4)
}

fn audiences() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(0..AUDIENCES, 1..4)
}

fn write() -> impl Strategy<Value = Step> {
    let (feed, item) = (|| 0..2_usize, || 0..40_usize);
    prop_oneof![
        8 => (feed(), users(), at(), "\\PC{0,4}")
            .prop_map(|(feed, users, at, content)| Step::Add { feed, users, at, content }),
        4 => (feed(), users(), item())
            .prop_map(|(feed, users, item)| Step::Again { feed, users, item }),
        1 => (feed(), proptest::collection::vec((0..USERS, item()), 0..6))
            .prop_map(|(feed, rows)| Step::Bulk { feed, rows }),
        2 => (feed(), users(), item())
            .prop_map(|(feed, users, item)| Step::Remove { feed, users, item }),
        6 => (feed(), audiences(), at(), "\\PC{0,4}")
            .prop_map(|(feed, audiences, at, content)| Step::Send { feed, audiences, at, content }),
        3 => (feed(), audiences(), item())
            .prop_map(|(feed, audiences, item)| Step::SendAgain { feed, audiences, item }),
        1 => (feed(), audiences(), item())
            .prop_map(|(feed, audiences, item)| Step::TakeBack { feed, audiences, item }),
        3 => (feed(), 0..USERS, item(), proptest::bool::weighted(0.2))
            .prop_map(|(feed, user, item, undo)| Step::Dismiss { feed, user, item, undo }),
        2 => (feed(), item(), proptest::bool::weighted(0.2))
            .prop_map(|(feed, item, undo)| Step::Retract { feed, item, undo }),
        1 => (feed(), 0..USERS, item(), item()).prop_map(|(feed, user, newer_than, older_than)| {
            Step::DeleteRange { feed, user, newer_than, older_than }
        }),
        1 => (feed(), 0..USERS).prop_map(|(feed, user)| Step::DeleteUser { feed, user }),
        2 => (feed(), bounds()).prop_map(|(feed, bounds)| Step::Trim { feed, bounds }),
    ]
}

fn mark() -> impl Strategy<Value = Step> {
    let item = || 0..40_usize;
    prop_oneof![
        1 => (0..USERS, view()).prop_map(|(user, view)| Step::MarkNewest { user, view }),
        2 => (0..USERS, item(), any::<bool>())
            .prop_map(|(user, item, back)| Step::MarkUpTo { user, item, back }),
        3 => (0..USERS, item(), any::<bool>())
            .prop_map(|(user, item, read)| Step::MarkItem { user, item, read }),
    ]
}

fn read() -> impl Strategy<Value = Step> {
    let page = (0..USERS, view(), 0..40_usize, 1..5_usize, any::<bool>());
    prop_oneof![
        5 => (0..USERS, view(), 0..9_usize, 0..9_usize)
            .prop_map(|(user, view, start, len)| Step::Slice { user, view, start, len }),
        6 => page.prop_map(|(user, view, item, limit, older)| {
            Step::Page { user, view, item, limit, older }
        }),
        2 => (0..USERS, view(), 1..5_usize)
            .prop_map(|(user, view, limit)| Step::Walk { user, view, limit }),
        5 => (0..USERS, view(), 0..12_usize)
            .prop_map(|(user, view, limit)| Step::Unread { user, view, limit }),
    ]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![34 => write(), 6 => mark(), 18 => read()]
}

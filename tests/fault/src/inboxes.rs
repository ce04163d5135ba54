//! What has come for subscribers, and what is still to come.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};
use user_streams_core::Cursor;

use crate::{fixture::Fixture, posts::Wrong, sync::lock};

/// How long after the recovery everything has come: a connection that is lost without notice is
/// noticed after 10 s at the latest, and one that cannot be made is tried again after up to 7.5 s.
const BOUND: Duration = Duration::from_secs(20);
/// How much later than its timestamp an item may be acknowledged: by less than `lateness`, since a
/// subscriber that comes back may have been told late, too.
const SOON: Duration = Duration::from_secs(6);

/// One for each subscriber, however often it comes back.
pub(crate) struct Inboxes {
    fixture: Arc<Fixture>,
    inboxes: Mutex<Vec<Inbox>>,
    news: Notify,
}

struct Inbox {
    user: i64,
    /// What is made from here on comes; unknown until the first item has come.
    since: Option<Instant>,
    came: BTreeMap<Cursor, Instant>,
}

impl Inboxes {
    pub(crate) fn new(fixture: &Arc<Fixture>) -> Arc<Self> {
        let (inboxes, news) = (Mutex::default(), Notify::new());
        Arc::new(Self { fixture: Arc::clone(fixture), inboxes, news })
    }

    /// One more, and its number. `after`: it gets what is made from now on; else from its first
    /// item on.
    pub(crate) fn open(&self, user: i64, after: bool) -> usize {
        let (since, came) = (after.then(Instant::now), BTreeMap::new());
        let mut inboxes = lock(&self.inboxes);
        inboxes.push(Inbox { user, since, came });
        inboxes.len() - 1
    }

    /// Whether all have begun.
    pub(crate) fn have_begun(&self) -> bool {
        lock(&self.inboxes).iter().all(|inbox| inbox.since.is_some())
    }

    /// Something has come.
    pub(crate) fn receive(&self, number: usize, at: Cursor, content: &str) {
        let user = {
            let mut inboxes = lock(&self.inboxes);
            let Some(inbox) = inboxes.get_mut(number) else { return };
            inbox.since.get_or_insert_with(Instant::now);
            inbox.came.entry(at).or_insert_with(Instant::now);
            inbox.user
        };
        if !self.fixture.posts.has(user, at, content) {
            self.fixture.foreign(format!("{content:?} came for user {user}"));
        }
        self.news.notify_waiters();
    }

    /// Waits until everything has come that is due, and counts what has not.
    pub(crate) async fn wait(&self, recovered: Instant) {
        let deadline = Instant::now() + BOUND;
        loop {
            let mut news = pin!(self.news.notified());
            news.as_mut().enable();
            let missing = self.missing();
            if missing.is_empty() {
                break;
            }
            if timeout_at(deadline, news).await.is_err() {
                for (user, at) in missing {
                    let place = (at.created_at_us(), at.id());
                    let lost = format!("the item at {place:?} never came for user {user}");
                    self.fixture.report(Wrong::Lost(lost));
                }
                break;
            }
        }
        if let Some(longest) = self.longest(recovered) {
            self.fixture.record_duration("the coming of an item", longest, BOUND);
        }
    }

    fn missing(&self) -> Vec<(i64, Cursor)> {
        let inboxes = lock(&self.inboxes);
        let missing = inboxes.iter().flat_map(|inbox| {
            let due = self.due(inbox).into_keys();
            due.filter(|at| !inbox.came.contains_key(at)).map(|at| (inbox.user, at))
        });
        missing.collect()
    }

    /// The longest time that an item took, from its acknowledgement or the recovery.
    fn longest(&self, recovered: Instant) -> Option<Duration> {
        let inboxes = lock(&self.inboxes);
        let took = inboxes.iter().flat_map(|inbox| {
            let due = self.due(inbox).into_iter();
            due.filter_map(|(at, acknowledged)| {
                let came = inbox.came.get(&at)?;
                Some(came.saturating_duration_since(acknowledged.max(recovered)))
            })
        });
        took.max()
    }

    fn due(&self, inbox: &Inbox) -> BTreeMap<Cursor, Instant> {
        let since = inbox.since;
        since.map(|since| self.fixture.posts.due_to(inbox.user, since, SOON)).unwrap_or_default()
    }
}

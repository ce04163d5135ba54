//! Subscribers in this process.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use fastrand::Rng;
use futures_util::StreamExt;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};
use user_streams_core::{Cursor, Streams};

use crate::{fixture::Fixture, inboxes::Inboxes, posts::Wrong};

/// Running subscribers.
pub(crate) struct Subscribers {
    fixture: Arc<Fixture>,
    inboxes: Arc<Inboxes>,
    tasks: JoinSet<()>,
}

impl Subscribers {
    pub(crate) fn new(fixture: &Arc<Fixture>, inboxes: &Arc<Inboxes>) -> Self {
        let (fixture, inboxes) = (Arc::clone(fixture), Arc::clone(inboxes));
        Self { fixture, inboxes, tasks: JoinSet::new() }
    }

    /// One that stays.
    pub(crate) fn add(&mut self, streams: &Streams, user: i64) {
        let number = self.inboxes.open(user, false);
        let subscriber = self.subscriber(vec![streams.clone()], user, number, None);
        self.tasks.spawn(subscriber.run(None));
    }

    /// One that leaves, and comes back by the next of these handles with the place of the last item
    /// that it had; the first time with this place.
    pub(crate) fn add_restless(
        &mut self,
        streams: Vec<Streams>,
        user: i64,
        after: Cursor,
        rng: Rng,
    ) {
        let number = self.inboxes.open(user, true);
        let subscriber = self.subscriber(streams, user, number, Some(after));
        self.tasks.spawn(subscriber.run(Some(rng)));
    }

    fn subscriber(
        &self,
        streams: Vec<Streams>,
        user: i64,
        number: usize,
        last: Option<Cursor>,
    ) -> Subscriber {
        let (fixture, inboxes) = (Arc::clone(&self.fixture), Arc::clone(&self.inboxes));
        Subscriber { fixture, inboxes, streams, user, number, last }
    }

    /// Ends all of them.
    pub(crate) async fn stop(mut self) {
        self.tasks.abort_all();
        while let Some(done) = self.tasks.join_next().await {
            if done.is_err_and(|error| error.is_panic()) {
                self.fixture.problem("a subscriber panicked");
            }
        }
    }
}

struct Subscriber {
    fixture: Arc<Fixture>,
    inboxes: Arc<Inboxes>,
    streams: Vec<Streams>,
    user: i64,
    number: usize,
    last: Option<Cursor>,
}

impl Subscriber {
    /// `rng`: of when it leaves.
    async fn run(mut self, mut rng: Option<Rng>) {
        let streams = self.streams.clone();
        for streams in streams.iter().cycle() {
            let leaves = rng.as_mut().map(|rng| Duration::from_millis(rng.u64(50..600)));
            if !self.receive(streams, leaves.map(|after| Instant::now() + after)).await {
                return;
            }
        }
    }

    /// Receives until it leaves; returns whether nothing was wrong.
    async fn receive(&mut self, streams: &Streams, leaves: Option<Instant>) -> bool {
        let items = self.fixture.merged(streams, self.user);
        let mut live = match self.last {
            Some(last) => items.subscribe_after(last),
            None => items.subscribe(),
        };
        let left = async {
            match leaves {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(left);
        let mut given = BTreeSet::new();
        loop {
            let item = tokio::select! {
                item = live.next() => item,
                () = &mut left => return true,
            };
            let item = match item {
                Some(Ok(item)) => item,
                other => {
                    let user = self.user;
                    let end = other.map(|failed| failed.err().map(|error| error.to_string()));
                    self.fixture.problem(format!("the subscription of user {user} ended: {end:?}"));
                    return false;
                }
            };
            if !given.insert(item.cursor()) {
                // The trial is shorter than what is remembered.
                let twice = format!("{:?} came twice for user {}", item.content, self.user);
                self.fixture.report(Wrong::Duplicated(twice));
            }
            self.last = Some(item.cursor());
            self.inboxes.receive(self.number, item.cursor(), &item.content);
        }
    }
}

//! Items for users and audiences are added, dismissed and retracted, by calls that are dropped and
//! over connections that are cut.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Result, ensure};
use fastrand::Rng;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use user_streams_core::{Cursor, Streams};

use super::{Fault, everywhere};
use crate::{
    cuts::Cuts,
    fixture::{Fixture, Options},
    outcome::Outcome,
    posts::{Group, Hider, Post, TEAMS},
    store::Features,
    trial::Trial,
};

pub(super) const FAULT: Fault = Fault {
    name: "audiences",
    about: "items for users, for everyone and for other audiences are added, repeated, dismissed \
        and retracted by calls that are dropped and over connections that are closed; no merged \
        page or count lacks an item, has one twice, one of an audience that the user is not in, or \
        one whose dismissal or retraction was acknowledged, and nobody's dismissal hides it from \
        another user",
    runs_on: everywhere,
    short: 2,
    long: 20,
    exclusive: false,
    weight: 4,
    run: |trial| Box::pin(run(trial)),
};

const USERS: i64 = 6;
/// How many items there are at the most.
const ITEMS: usize = 150;
/// How many there are before the fault.
const FIRST_ITEMS: usize = 40;
const TASKS: usize = 8;
/// The items of a page in a walk.
const PAGE: usize = 13;

async fn run(trial: Trial) -> Result<Outcome> {
    let mut rng = trial.rng();
    let features = Features { audiences: true, hiding: true, live: false };
    let options = Options { features, ..Options::on_either_pool(&trial) };
    let fixture = Fixture::open(&trial, options).await?;
    fixture.watch_sessions();
    while fixture.posts.len() < FIRST_ITEMS {
        let post = new_post(&fixture, &mut rng);
        ensure!(fixture.post(&fixture.streams, &post).await, "an item was not added");
    }
    let cuts = Cuts::start(&fixture, &mut rng);
    let end = Instant::now() + Duration::from_millis(trial.pick(700, 3_000));
    let mut set = JoinSet::new();
    for _ in 0..TASKS {
        let (fixture, mut rng) = (Arc::clone(&fixture), rng.fork());
        set.spawn(async move {
            while Instant::now() < end {
                act(&fixture, &mut rng).await;
            }
        });
    }
    while let Some(done) = set.join_next().await {
        done?;
    }
    cuts.stop().await;
    fixture.expect_success();
    look(&fixture).await;
    fixture.check_feeds().await?;
    // Now every call is known to have had its effect, whatever became of it before.
    repeat(&fixture).await?;
    look(&fixture).await;
    fixture.check_feeds().await?;
    let mut outcome = fixture.finish().await?;
    outcome.acknowledged += fixture.posts.shared_acknowledged();
    Ok(outcome)
}

/// Does one thing, which may be dropped.
async fn act(fixture: &Fixture, rng: &mut Rng) {
    let longest = Duration::from_millis(4);
    let user = rng.i64(1..=USERS);
    let kind = rng.u32(..12);
    let known = fixture.posts.any(rng);
    match (kind, known) {
        (0..6, known) => {
            // Also of one that was there already, or is hidden.
            let known = known.filter(|_| kind < 2 || fixture.posts.len() >= ITEMS);
            let post = known.unwrap_or_else(|| new_post(fixture, rng));
            let add = fixture.start_post(&fixture.streams, &post).into_future();
            if let Some(delivery) = fixture.attempt("an add", rng, longest, add).await {
                fixture.acknowledge_post(&post, delivery.delivered);
            }
        }
        (6..8, Some(post)) => {
            let by = if rng.u32(..3) == 0 { None } else { Some(user) };
            fixture.posts.hide(post.at, by);
            let hide = hide(fixture.streams.clone(), fixture, post.at, by);
            if fixture.attempt("hiding an item", rng, longest, hide).await.is_some() {
                fixture.posts.hidden(post.at, by);
            }
        }
        (8, _) => {
            let (before, items) =
                (fixture.posts.seen_by(user), fixture.merged(&fixture.streams, user));
            let count = async { items.count().await };
            if let Some(count) = fixture.attempt("a count", rng, longest, count).await
                && let Some(wrong) = fixture.posts.check_count(user, &before, count)
            {
                fixture.report(wrong);
            }
        }
        _ => {
            let (before, items) =
                (fixture.posts.seen_by(user), fixture.merged(&fixture.streams, user));
            let length = rng.usize(1..60);
            let page = items.slice(..length);
            let read = async { page.await };
            if let Some(page) = fixture.attempt("a page", rng, longest, read).await {
                fixture.check_seen(user, &before, &page, page.len() < length);
            }
        }
    }
}

/// An item for a user, some users, everyone or other audiences.
fn new_post(fixture: &Fixture, rng: &mut Rng) -> Post {
    let team = Group::Team(rng.i64(0..TEAMS));
    match rng.u32(..6) {
        0 => {
            let user = rng.i64(1..=USERS);
            fixture.own_post(user..=user)
        }
        1 => fixture.own_post(rng.i64(1..=USERS)..=USERS + rng.i64(0..300)),
        2 | 3 => fixture.shared_post(vec![Group::Everyone]),
        4 => fixture.shared_post(vec![team]),
        _ => fixture.shared_post(vec![Group::Everyone, team]),
    }
}

/// Dismisses or retracts an item.
fn hide(
    streams: Streams,
    fixture: &Fixture,
    item: Cursor,
    by: Hider,
) -> impl Future<Output = user_streams_core::Result<bool>> + Send + 'static {
    let user = by.map(|user| fixture.store.user_id(user));
    async move {
        match user {
            Some(user) => streams.get_stream_items(user).dismiss(item).await,
            None => streams.retract(item).await,
        }
    }
}

/// Checks each user's whole stream: at once, page by page, and counted.
async fn look(fixture: &Fixture) {
    let bound = fixture.store.limits.statement;
    for user in 1..=USERS {
        let (before, items) = (fixture.posts.seen_by(user), fixture.merged(&fixture.streams, user));
        let whole = items.slice(..ITEMS + 1);
        if let Some(page) = fixture.call("a page", bound, async { whole.await }).await {
            fixture.check_seen(user, &before, &page, true);
        }
        let (mut walked, mut next) = (Vec::new(), None);
        loop {
            let page = items.cursor_page(PAGE);
            let page = if let Some(place) = next { page.after(place) } else { page };
            let Some(page) = fixture.call("a page", bound, page.into_future()).await else { break };
            walked.extend(page.items);
            next = page.next;
            if next.is_none() {
                fixture.check_seen(user, &before, &walked, true);
                break;
            }
        }
        if let Some(count) = fixture.call("a count", bound, items.count()).await
            && let Some(wrong) = fixture.posts.check_count(user, &before, count)
        {
            fixture.report(wrong);
        }
    }
}

/// Does everything again that was begun, until it is acknowledged.
async fn repeat(fixture: &Arc<Fixture>) -> Result<()> {
    let (posts, hidings) = (fixture.posts.all(), fixture.posts.hidings());
    let (posts, hidings) = (Arc::new(posts), Arc::new(hidings));
    let next = Arc::new(AtomicUsize::new(0));
    let mut set = JoinSet::new();
    for _ in 0..TASKS {
        let (fixture, next) = (Arc::clone(fixture), Arc::clone(&next));
        let (posts, hidings) = (Arc::clone(&posts), Arc::clone(&hidings));
        set.spawn(async move {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if let Some(post) = posts.get(at) {
                    while !fixture.post(&fixture.streams, post).await {
                        sleep(Duration::from_millis(5)).await;
                    }
                } else if let Some((item, by)) = hidings.get(at - posts.len()) {
                    let bound = fixture.store.limits.statement;
                    let hide = hide(fixture.streams.clone(), &fixture, *item, *by);
                    if fixture.call("hiding an item", bound, hide).await.is_some() {
                        fixture.posts.hidden(*item, *by);
                    }
                } else {
                    break;
                }
            }
        });
    }
    while let Some(done) = set.join_next().await {
        done?;
    }
    Ok(())
}

//! Streams are trimmed by calls that are dropped and over connections that are cut, while other
//! tasks add.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context, Result};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{Fault, everywhere};
use crate::{
    cuts::Cuts,
    fixture::{Fixture, Options},
    history::{Item, parse},
    outcome::Outcome,
    sync::lock,
    trial::Trial,
};

pub(super) const FAULT: Fault = Fault {
    name: "trim",
    about: "everyone's streams are trimmed to the newest items by calls that are dropped and over \
        connections that are closed, again and again, while other tasks add; nothing that was \
        among the newest is ever missing, and in the end nothing else is left",
    runs_on: everywhere,
    short: 2,
    long: 20,
    exclusive: false,
    weight: 4,
    run: |trial| Box::pin(run(trial)),
};

const USERS: i64 = 10;
const MAX_LEN: usize = 8;

/// A place, as it is stored.
type Place = (i64, i64);
/// By user and place: an item's number, and whether an add of it was acknowledged.
type Added = BTreeMap<i64, BTreeMap<Place, (u64, bool)>>;

async fn run(trial: Trial) -> Result<Outcome> {
    let mut rng = trial.rng();
    let fixture = Fixture::open(&trial, Options::on_either_pool(&trial)).await?;
    // What is stored is compared here.
    fixture.history.set_deleted_users(1..=USERS);
    fixture.watch_sessions();
    let streams = fixture.streams.clone().with_max_len(MAX_LEN as u64);
    let added = Arc::new(Mutex::new(Added::new()));
    let cuts = Cuts::start(&fixture, &mut rng);
    let end = Instant::now() + Duration::from_millis(trial.pick(800, 3_000));
    let mut set = JoinSet::new();
    for task in 0..7 {
        let (fixture, added, mut rng) = (Arc::clone(&fixture), Arc::clone(&added), rng.fork());
        let streams = streams.clone();
        set.spawn(async move {
            while Instant::now() < end {
                if task < 3 {
                    let longest = Duration::from_millis(30);
                    let trim = streams.trim().into_future();
                    _ = fixture.attempt("a trim", &mut rng, longest, trim).await;
                } else {
                    let first = rng.i64(1..=USERS);
                    let last = if rng.bool() { first } else { rng.i64(first..=USERS) };
                    add(&fixture, &added, &fixture.history.item(first..=last)).await;
                }
                sleep(Duration::from_millis(rng.u64(1..8))).await;
            }
        });
    }
    while Instant::now() < end {
        sleep(Duration::from_millis(100)).await;
        check_stored(&fixture, &added).await?;
    }
    while let Some(done) = set.join_next().await {
        done?;
    }
    cuts.stop().await;
    fixture.expect_success();
    let bound = fixture.store.limits.broadcast;
    _ = fixture.call("a trim", bound, streams.trim().into_future()).await;
    let rest = check_stored(&fixture, &added).await?;
    for (user, places) in lock(&added).iter() {
        let (kept, rest) = (places.len().min(MAX_LEN), rest.get(user).copied().unwrap_or(0));
        if rest != kept {
            let partial = format!("user {user} has {rest} items after a trim to {kept}");
            fixture.wrong_answer(|outcome| &mut outcome.partial, partial);
        }
    }
    fixture.finish().await
}

/// Adds an item until it is acknowledged.
async fn add(fixture: &Fixture, added: &Mutex<Added>, item: &Item) {
    let place = (item.created_at_us, item.id);
    let record = |is_acknowledged| {
        let mut added = lock(added);
        for user in item.users() {
            added.entry(user).or_default().insert(place, (item.number, is_acknowledged));
        }
    };
    record(false);
    while !fixture.add(item).await {
        sleep(Duration::from_millis(5)).await;
    }
    record(true);
}

/// Checks that everyone has each acknowledged item that at no time had so many newer ones as are
/// kept; returns how many each has.
async fn check_stored(fixture: &Fixture, added: &Mutex<Added>) -> Result<BTreeMap<i64, usize>> {
    let before = lock(added).clone();
    let snapshot = fixture.inspector.snapshot().await.context("cannot read what is stored")?;
    let begun = lock(added).clone();
    let mut stored: BTreeMap<i64, BTreeMap<u64, Place>> = BTreeMap::new();
    for row in snapshot.rows {
        let Some((number, _)) = row.content.as_deref().and_then(parse) else {
            let lost = format!("user {} has a delivery without an item", row.user);
            fixture.wrong_answer(|outcome| &mut outcome.lost, lost);
            continue;
        };
        stored.entry(row.user).or_default().insert(number, (row.created_at_us, row.id));
    }
    for (user, places) in &before {
        let has = |number| stored.get(user).is_some_and(|items| items.contains_key(number));
        for (place, (number, _)) in places.iter().filter(|(_, (_, acknowledged))| *acknowledged) {
            let newer = (Bound::Excluded(*place), Bound::Unbounded);
            let newer = begun.get(user).map_or(0, |places| places.range(newer).count());
            if newer < MAX_LEN && !has(number) {
                let lost = format!("user {user} lacks item #{number}, with {newer} newer ones");
                fixture.wrong_answer(|outcome| &mut outcome.lost, lost);
            }
        }
    }
    Ok(stored.into_iter().map(|(user, items)| (user, items.len())).collect())
}

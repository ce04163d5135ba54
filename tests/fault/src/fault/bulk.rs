//! Many rows are stored by calls that are dropped and over connections that are cut.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use fastrand::Rng;
use tokio::task::JoinSet;

use super::{Fault, everywhere};
use crate::{
    cuts::Cuts,
    fixture::{Fixture, Options},
    history::Item,
    outcome::Outcome,
    trial::Trial,
};

pub(super) const FAULT: Fault = Fault {
    name: "bulk",
    about: "`bulk_add` of the same rows from several tasks, whose calls are dropped and whose \
        connections are closed, until each is acknowledged; every row is there once",
    runs_on: everywhere,
    short: 2,
    long: 20,
    exclusive: false,
    weight: 4,
    run: |trial| Box::pin(run(trial)),
};

/// How many sets of items each pair of tasks adds, one after the other.
const SETS: usize = 3;

async fn run(trial: Trial) -> Result<Outcome> {
    let mut rng = trial.rng();
    let fixture = Fixture::open(&trial, Options::on_either_pool(&trial)).await?;
    fixture.watch_sessions();
    let cuts = Cuts::start(&fixture, &mut rng);
    let added = Arc::new(AtomicU64::new(0));
    let (mut set, mut sets) = (JoinSet::new(), Vec::new());
    for _ in 0..4 {
        let own: Vec<_> = (0..SETS).map(|_| items(&trial, &fixture, &mut rng)).collect();
        for _ in 0..2 {
            let (fixture, added) = (Arc::clone(&fixture), Arc::clone(&added));
            let (own, mut rng) = (own.clone(), rng.fork());
            set.spawn(async move {
                for items in own {
                    let new = add(&fixture, &mut rng, items).await;
                    added.fetch_add(new, Ordering::Relaxed);
                }
            });
        }
        sets.extend(own);
    }
    while let Some(done) = set.join_next().await {
        done?;
    }
    cuts.stop().await;
    fixture.check_stored().await?;
    let rows: u64 = sets.iter().flatten().map(Item::recipients).sum();
    let added = added.load(Ordering::Relaxed);
    if added > rows {
        fixture.foreign(format!("the bulk adds of {rows} rows reported that {added} were new"));
    }
    let bound = fixture.store.limits.broadcast;
    for items in sets {
        let again = fixture.call("a bulk add", bound, bulk_add(&fixture, &items)).await;
        if let Some(new @ 1..) = again {
            fixture.foreign(format!("a bulk add of stored rows reported that {new} were new"));
        }
    }
    fixture.finish().await
}

/// New items, each for one user or for some.
fn items(trial: &Trial, fixture: &Fixture, rng: &mut Rng) -> Vec<Item> {
    // Of the long form, more than a transaction takes.
    (0..trial.pick(80, 2_500))
        .map(|_| {
            let first = rng.i64(1..60);
            let last = if rng.bool() { first } else { first + rng.i64(1..10) };
            fixture.history.bulk_item(first..=last)
        })
        .collect()
}

/// Adds them until that is acknowledged; returns how many were new then.
async fn add(fixture: &Fixture, rng: &mut Rng, mut items: Vec<Item>) -> u64 {
    rng.shuffle(&mut items);
    let mut longest = Duration::from_millis(10);
    loop {
        let add = bulk_add(fixture, &items);
        if let Some(new) = fixture.attempt("a bulk add", rng, longest, add).await {
            fixture.history.acknowledge_bulk(&items);
            return new;
        }
        longest = longest.mul_f64(1.5);
    }
}

fn bulk_add(
    fixture: &Fixture,
    items: &[Item],
) -> impl Future<Output = user_streams_core::Result<u64>> + Send + 'static {
    let row = |item: &Item, user| (fixture.store.user_id(user), item.new_item());
    let rows = items.iter().flat_map(move |item| item.users().map(move |user| row(item, user)));
    fixture.streams.bulk_add(rows)
}

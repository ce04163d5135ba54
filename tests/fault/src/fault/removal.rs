//! Items are taken from many users, by calls that are dropped and over connections that are cut.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use anyhow::{Result, bail};
use chrono::DateTime;
use fastrand::Rng;
use tokio::task::JoinSet;
use user_streams_core::{Cursor, ItemId, Recipients};

use super::{Fault, everywhere};
use crate::{
    cuts::Cuts,
    fixture::{Fixture, Options},
    history::Item,
    load::Load,
    outcome::Outcome,
    trial::Trial,
};

pub(super) const FAULT: Fault = Fault {
    name: "removal",
    about: "items are removed from few users and from more than a statement takes, by calls that \
        are dropped and over connections that are closed, some of them repeated, while other \
        tasks add; an acknowledged removal is whole, and on SQL any is whole or nothing",
    runs_on: everywhere,
    short: 2,
    long: 20,
    exclusive: false,
    weight: 2,
    run: |trial| Box::pin(run(trial)),
};

/// Items for a few users.
const FEW: usize = 60;
/// Items for more users than one statement takes.
const MANY: usize = 3;

async fn run(trial: Trial) -> Result<Outcome> {
    let mut rng = trial.rng();
    let is_sql = trial.cell.engine.is_sql();
    let application_pool = is_sql && trial.variant(2) == 1;
    // A statement takes fewer text ids.
    let options = Options { application_pool, text_ids: true, ..Options::default() };
    let fixture = Fixture::open(&trial, options).await?;
    fixture.watch_sessions();
    let last = if is_sql { 100 + fixture.store.chunk() as i64 } else { 2_600 };
    let mut items = Vec::new();
    for number in 0..MANY + FEW {
        let users = match number {
            ..MANY => 90..=last,
            _ => 100..=100 + rng.i64(0..40),
        };
        let item = fixture.history.item(users);
        if !fixture.add(&item).await {
            bail!("an item was not added before the fault");
        }
        items.push(item);
    }
    let cuts = Cuts::start(&fixture, &mut rng);
    let load = Load::start(&fixture, &mut rng, 2);
    let mut set = JoinSet::new();
    for part in items.chunks((MANY + FEW).div_ceil(6)) {
        let (fixture, part, mut rng) = (Arc::clone(&fixture), part.to_vec(), rng.fork());
        set.spawn(async move {
            for item in part {
                remove(&fixture, &mut rng, &item).await;
            }
        });
    }
    while let Some(done) = set.join_next().await {
        done?;
    }
    load.stop().await;
    cuts.stop().await;
    fixture.finish().await
}

/// Removes an item from all its users or from some, once or until it is acknowledged.
async fn remove(fixture: &Fixture, rng: &mut Rng, item: &Item) {
    let users = match rng.u32(..3) {
        0 => item.first..=item.first + (item.last - item.first) / 2,
        _ => item.users(),
    };
    // Of many users, time for some statements.
    let longest = if item.recipients() > 1_000 { 120 } else { 4 };
    let is_repeated = rng.bool();
    loop {
        fixture.history.begin_removal(item.number, users.clone());
        let removed = removal(fixture, item, users.clone());
        let longest = Duration::from_millis(longest);
        match fixture.attempt("a removal", rng, longest, removed).await {
            Some(removed) => break fixture.history.acknowledge_removal(item.number, removed),
            None if is_repeated => {}
            None => break,
        }
    }
}

fn removal(
    fixture: &Fixture,
    item: &Item,
    users: RangeInclusive<i64>,
) -> impl Future<Output = user_streams_core::Result<u64>> + Send + 'static {
    let (streams, store) = (fixture.streams.clone(), fixture.store.clone());
    let at = DateTime::from_timestamp_micros(item.created_at_us).unwrap_or_default();
    let id = ItemId::try_from(item.id);
    async move {
        let users = Recipients::iter(users.map(move |user| store.user_id(user)));
        streams.remove_stream_item(users, Cursor::new(at, id?)).await
    }
}

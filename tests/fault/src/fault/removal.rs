//! Items are taken from many users, by calls that are dropped and over connections that are cut.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use anyhow::{Result, bail};
use chrono::DateTime;
use fastrand::Rng;
use futures_util::{StreamExt, stream};
use tokio::{task::JoinSet, time::sleep};
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
    weight: 4,
    run: |trial| Box::pin(run(trial)),
};

/// Items for a few users.
const FEW: usize = 60;
/// Items for more users than one statement takes.
const MANY: usize = 3;
const TASKS: usize = 6;
/// How long the last of many recipients is waited for, after a statement for the others.
const PAUSE: Duration = Duration::from_millis(80);

async fn run(trial: Trial) -> Result<Outcome> {
    let mut rng = trial.rng();
    let is_sql = trial.cell.engine.is_sql();
    // A statement takes fewer text ids.
    let options = Options { text_ids: true, ..Options::on_either_pool(&trial) };
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
    for task in 0..TASKS {
        let part: Vec<_> = items.iter().skip(task).step_by(TASKS).cloned().collect();
        let (fixture, mut rng) = (Arc::clone(&fixture), rng.fork());
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
    let has_many = item.recipients() > 1_000;
    let users = match rng.u32(..3) {
        0 if !has_many => item.first..=item.first + (item.last - item.first) / 2,
        _ => item.users(),
    };
    // Of many users, time for some statements; and what is left is seen only if it is not repeated.
    let longest = Duration::from_millis(if has_many { 160 } else { 4 });
    let is_repeated = !has_many && rng.bool();
    loop {
        fixture.history.begin_removal(item.number, users.clone());
        let removed = removal(fixture, item, users.clone());
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
        let last = *users.end();
        let pause = if users.clone().count() > 1_000 { PAUSE } else { Duration::ZERO };
        let users = stream::iter(users).then(move |user| {
            let id = store.user_id(user);
            async move {
                if user == last && !pause.is_zero() {
                    sleep(pause).await;
                }
                id
            }
        });
        let users = Recipients::stream(users);
        streams.remove_stream_item(users, Cursor::new(at, id?)).await
    }
}

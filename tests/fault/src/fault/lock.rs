//! Another session holds a lock that an add or a read waits for.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Fault, is_sql_server};
use crate::{
    cell::{Engine, Layout},
    ledger::Item,
    load::Load,
    stage::{Limits, Options, RECOVERY, Stage},
    tally::Tally,
    trial::Trial,
};

/// How long after the timeout the lock goes: the answer comes then, to whoever listens.
const AFTER: Duration = Duration::from_millis(800);
/// Users with a stream, who are read in turn.
const READERS: i64 = 64;

pub(super) const FAULT: Fault = Fault {
    name: "lock",
    about: "another session holds the table, or an uncommitted row with the item's own key, for \
        longer or shorter than `operation_timeout`; \
            the row is one of the last of a long broadcast, too",
    runs_on: is_sql_server,
    short: 5,
    long: 50,
    alone: false,
    weight: 2,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Tally> {
    match trial.variant(5) {
        0 => behind_a_row(&trial, true).await,
        1 => behind_the_table(&trial).await,
        2 => behind_a_row(&trial, false).await,
        3 => at_the_end_of_a_broadcast(&trial, true).await,
        _ => at_the_end_of_a_broadcast(&trial, false).await,
    }
}

fn options(statement: u64, broadcast: u64) -> Options {
    let limits = Limits {
        statement: Duration::from_millis(statement),
        broadcast: Duration::from_millis(broadcast),
        connect: Duration::from_millis(900),
        ..Limits::default()
    };
    Options { limits, ..Options::default() }
}

/// Adds and reads all wait for the table, and give up.
async fn behind_the_table(trial: &Trial) -> Result<Tally> {
    let mut rng = trial.rng();
    let stage = Stage::open(trial, options(1_000, 1_000)).await?;
    let watching = stage.watch();
    let load = Load::start(&stage, &mut rng, 8);
    sleep(Trial::between(&mut rng, 100, 300)).await;
    let table = &stage.place.table;
    let mut session = stage.judge.session().await?;
    session
        .execute(&match stage.place.engine {
            Engine::Postgres => format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"),
            _ => format!("LOCK TABLES {table} WRITE"),
        })
        .await?;
    sleep(Trial::between(&mut rng, 200, 600)).await;
    load.stop().await;
    // The lock is still there: whoever has given up waits for it no more.
    stage.check_sessions().await?;
    session.end().await?;
    stage.recovered();
    let load = Load::start(&stage, &mut rng, 8);
    stage.wait_for_recovery().await;
    load.stop().await;
    let tally = stage.finish().await?;
    watching.await?;
    Ok(tally)
}

/// An add waits for an uncommitted row with its own key. It goes after the add's timeout, or
/// before.
async fn behind_a_row(trial: &Trial, after: bool) -> Result<Tally> {
    let mut rng = trial.rng();
    let stage = Stage::open(trial, options(if after { 1_000 } else { 3_000 }, 5_000)).await?;
    let watching = stage.watch();
    let users = rng.i64(1..20);
    let item = stage.ledger.item(1..=users);
    let mut session = stage.judge.session().await?;
    session.execute("BEGIN").await?;
    session.execute(&insert(&stage, &item, users)).await?;
    let load = Load::start(&stage, &mut rng, 8);
    if after {
        if stage.add(&item).await {
            stage.foreign("an add that waits for a lock was answered".to_owned());
        }
        sleep(RECOVERY).await;
        load.stop().await;
        stage.check_sessions().await?;
        session.end().await?;
    } else {
        stage.expect_success();
        let held = Trial::between(&mut rng, 100, 1_500);
        let (_, ended) = tokio::join!(stage.add(&item), async {
            sleep(held).await;
            session.end().await
        });
        ended?;
        load.stop().await;
    }
    stage.expect_success();
    _ = stage.add(&item).await;
    let load = Load::start(&stage, &mut rng, 8);
    sleep(Duration::from_millis(500)).await;
    load.stop().await;
    let tally = stage.finish().await?;
    watching.await?;
    Ok(tally)
}

/// A broadcast has sent everything, and waits for one of its last rows; the row goes after
/// `operation_timeout`, which bounds the whole broadcast, or one chunk of it.
async fn at_the_end_of_a_broadcast(trial: &Trial, may_go_on: bool) -> Result<Tally> {
    let mut rng = trial.rng();
    // The last row of what is copied: of the first chunk, where there is a second one.
    let (recipients, last, statement) = match trial.cell.layout {
        Layout::ManyToMany => (3_000, 3_000, 2_000),
        _ => (100_500, 100_000, 3_000),
    };
    let stage =
        Stage::open(trial, options(statement, if may_go_on { 20_000 } else { statement })).await?;
    let watching = stage.watch();
    // Everybody has an item, and every connection knows every statement: nothing but the answer
    // tells whose it is.
    let load = Load::start(&stage, &mut rng, 16);
    let firsts = (0..READERS).map(|user| {
        let item = stage.ledger.item(-user..=-user);
        let stage = Arc::clone(&stage);
        async move { stage.add(&item).await }
    });
    join_all(firsts).await;
    sleep(Duration::from_millis(400)).await;
    load.stop().await;
    let item = stage.ledger.item(1..=recipients);
    let mut session = stage.judge.session().await?;
    session.execute("BEGIN").await?;
    session.execute(&insert(&stage, &item, last - rng.i64(0..20))).await?;

    let began = Instant::now();
    let released = began + stage.place.limits.statement + AFTER;
    let adding = tokio::spawn({
        let (stage, item) = (Arc::clone(&stage), item.clone());
        async move { stage.add(&item).await }
    });
    sleep_until(began + stage.place.limits.statement / 2).await;
    if adding.is_finished() {
        stage.problem("the broadcast does not wait for the lock: the trial shows nothing");
    }
    sleep_until(began + stage.place.limits.statement).await;
    // Many tasks read many streams, before and after the lock goes.
    let readers = (0..8).map(|task| {
        let stage = Arc::clone(&stage);
        tokio::spawn(async move {
            let mut user = task;
            while Instant::now() < released + Duration::from_secs(1) {
                let page = stage.read(-user).await;
                if page.is_some_and(|page| page.is_empty()) {
                    stage.foreign(format!("the page of user {} is empty", -user));
                }
                let own = stage.ledger.item(user + 200_000..=user + 200_000);
                if user % 4 == 0 {
                    _ = stage.add(&own).await;
                }
                user = (user + 7) % READERS;
                sleep(Duration::from_millis(3)).await;
            }
        })
    });
    let readers: Vec<_> = readers.collect();
    sleep_until(released).await;
    session.end().await?;
    adding.await?;
    stage.recovered();
    join_all(readers).await;
    let load = Load::start(&stage, &mut rng, 8);
    stage.wait_for_recovery().await;
    load.stop().await;
    let tally = stage.finish().await?;
    watching.await?;
    Ok(tally)
}

/// The row that the add of this item would write for this user.
fn insert(stage: &Stage, item: &Item, user: i64) -> String {
    let (table, at, id) = (&stage.place.table, item.created_at_us, item.id);
    match stage.place.layout {
        Layout::ManyToMany => {
            format!("INSERT INTO {table} (user_id, created_at_us, id) VALUES ({user}, {at}, {id})")
        }
        _ => format!(
            "INSERT INTO {table} (user_id, created_at_us, id, content) VALUES ({user}, {at}, {id}, \
             'held')"
        ),
    }
}

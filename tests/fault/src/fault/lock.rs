//! Another session holds a lock that an add or a read waits for.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep, sleep_until};
use user_streams_test_servers::harness::Layout;

use super::{Fault, is_sql_server};
use crate::{
    fixture::{Fixture, Options, RECOVERY},
    history::Item,
    inspector::lock_table,
    load::Load,
    outcome::Outcome,
    store::Limits,
    trial::Trial,
};

/// How long after the timeout the lock is released: only then does the server answer.
const RELEASE_DELAY: Duration = Duration::from_millis(800);
/// How many users have a stream that is read.
const READ_USERS: i64 = 64;

pub(super) const FAULT: Fault = Fault {
    name: "lock",
    about: "another session holds the table, or an uncommitted row with the item's own key, for \
        longer or shorter than `operation_timeout`; \
            the row is one of the last of a long broadcast, too",
    runs_on: is_sql_server,
    short: 5,
    long: 50,
    exclusive: false,
    weight: 2,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Outcome> {
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

/// Adds and reads wait for the table until they time out.
async fn behind_the_table(trial: &Trial) -> Result<Outcome> {
    let mut rng = trial.rng();
    let fixture = Fixture::open(trial, options(1_000, 1_000)).await?;
    fixture.watch_sessions();
    let load = Load::start(&fixture, &mut rng, 8);
    sleep(Trial::between(&mut rng, 100, 300)).await;
    let mut session = fixture.inspector.session().await?;
    session.execute(&lock_table(&fixture.store)).await?;
    sleep(Trial::between(&mut rng, 200, 600)).await;
    load.stop().await;
    // The lock is still held, but no timed out call may wait for it.
    fixture.check_sessions().await?;
    session.end().await?;
    fixture.recovered();
    let load = Load::start(&fixture, &mut rng, 8);
    fixture.wait_for_recovery().await;
    load.stop().await;
    fixture.finish().await
}

/// An add waits for an uncommitted row with its own key, which is rolled back after the add's
/// timeout or before.
async fn behind_a_row(trial: &Trial, after: bool) -> Result<Outcome> {
    let mut rng = trial.rng();
    let fixture = Fixture::open(trial, options(if after { 1_000 } else { 3_000 }, 5_000)).await?;
    fixture.watch_sessions();
    let users = rng.i64(1..20);
    let item = fixture.history.item(1..=users);
    let mut session = fixture.inspector.session().await?;
    session.execute("BEGIN").await?;
    session.execute(&insert(&fixture, &item, users)).await?;
    let load = Load::start(&fixture, &mut rng, 8);
    if after {
        if fixture.add(&item).await {
            fixture.foreign("an add that waits for a lock was acknowledged".to_owned());
        }
        sleep(RECOVERY).await;
        load.stop().await;
        fixture.check_sessions().await?;
        session.end().await?;
    } else {
        fixture.expect_success();
        let held = Trial::between(&mut rng, 100, 1_500);
        let (_, ended) = tokio::join!(fixture.add(&item), async {
            sleep(held).await;
            session.end().await
        });
        ended?;
        load.stop().await;
    }
    fixture.expect_success();
    _ = fixture.add(&item).await;
    let load = Load::start(&fixture, &mut rng, 8);
    sleep(Duration::from_millis(500)).await;
    load.stop().await;
    fixture.finish().await
}

/// A broadcast has sent everything, and waits for one of its last rows; the row goes after
/// `operation_timeout`, which bounds the whole broadcast, or one chunk of it.
async fn at_the_end_of_a_broadcast(trial: &Trial, may_go_on: bool) -> Result<Outcome> {
    let mut rng = trial.rng();
    // The last row of the last chunk, or of the first of two.
    let (recipients, last, statement) = match trial.cell.layout {
        Layout::ManyToMany => (3_000, 3_000, 2_000),
        _ => (100_500, 100_000, 3_000),
    };
    let fixture =
        Fixture::open(trial, options(statement, if may_go_on { 20_000 } else { statement }))
            .await?;
    fixture.watch_sessions();
    // Every user has an item and every connection has prepared every statement, so that a misplaced
    // answer looks like a valid one.
    let load = Load::start(&fixture, &mut rng, 16);
    let adds = (0..READ_USERS).map(|user| {
        let item = fixture.history.item(-user..=-user);
        let fixture = Arc::clone(&fixture);
        async move { fixture.add(&item).await }
    });
    let has_item: Arc<[bool]> = join_all(adds).await.into();
    sleep(Duration::from_millis(400)).await;
    load.stop().await;
    let item = fixture.history.item(1..=recipients);
    let mut session = fixture.inspector.session().await?;
    session.execute("BEGIN").await?;
    session.execute(&insert(&fixture, &item, last - rng.i64(0..20))).await?;

    let began = Instant::now();
    let released = began + fixture.store.limits.statement + RELEASE_DELAY;
    let adding = tokio::spawn({
        let (fixture, item) = (Arc::clone(&fixture), item.clone());
        async move { fixture.add(&item).await }
    });
    sleep_until(began + fixture.store.limits.statement / 2).await;
    if adding.is_finished() {
        fixture.problem("the broadcast does not wait for the lock: the trial proves nothing");
    }
    sleep_until(began + fixture.store.limits.statement).await;
    // Tasks read many streams, before and after the lock is released.
    let readers = (0..8).map(|task| {
        let (fixture, has_item) = (Arc::clone(&fixture), Arc::clone(&has_item));
        tokio::spawn(async move {
            let mut user: i64 = task;
            while Instant::now() < released + Duration::from_secs(1) {
                let page = fixture.read(-user).await;
                // On a busy machine its add may have timed out.
                let has_item = has_item[user.unsigned_abs() as usize];
                if has_item && page.is_some_and(|page| page.is_empty()) {
                    fixture.foreign(format!("the page of user {} is empty", -user));
                }
                let own = fixture.history.item(user + 200_000..=user + 200_000);
                if user % 4 == 0 {
                    _ = fixture.add(&own).await;
                }
                user = (user + 7) % READ_USERS;
                sleep(Duration::from_millis(3)).await;
            }
        })
    });
    let readers: Vec<_> = readers.collect();
    sleep_until(released).await;
    session.end().await?;
    adding.await?;
    fixture.recovered();
    join_all(readers).await;
    let load = Load::start(&fixture, &mut rng, 8);
    fixture.wait_for_recovery().await;
    load.stop().await;
    fixture.finish().await
}

/// Inserts the row that the add of this item would insert for this user.
fn insert(fixture: &Fixture, item: &Item, user: i64) -> String {
    let (table, at, id) = (&fixture.store.table, item.created_at_us, item.id);
    match fixture.store.layout {
        Layout::ManyToMany => {
            format!("INSERT INTO {table} (user_id, created_at_us, id) VALUES ({user}, {at}, {id})")
        }
        _ => format!(
            "INSERT INTO {table} (user_id, created_at_us, id, content) VALUES ({user}, {at}, {id}, \
             'held')"
        ),
    }
}

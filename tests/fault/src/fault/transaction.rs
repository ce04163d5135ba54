//! Adds within an application's transaction are dropped; the transaction continues, and commits or
//! rolls back.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait,
};
use tokio::task::JoinSet;
use user_streams_core::Recipients;
use user_streams_test_servers::harness::Engine;

use super::{Fault, is_sql};
use crate::{
    fixture::{Fixture, Options},
    load::Load,
    outcome::Outcome,
    partly::run_partly,
    trial::Trial,
};

pub(super) const FAULT: Fault = Fault {
    name: "transaction",
    about: "adds within an application's transaction are dropped after a few polls or \
        microseconds, some of them of items that are already stored; the transaction then runs \
        a statement of its own, and commits or rolls back",
    runs_on: is_sql,
    short: 2,
    long: 30,
    exclusive: false,
    weight: 4,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Outcome> {
    let mut rng = trial.rng();
    let variant = trial.variant(4);
    let application_pool = variant.is_multiple_of(2);
    let fixture = Fixture::open(&trial, Options { application_pool, ..Options::default() }).await?;
    let pool = match &fixture.pool {
        Some(pool) => pool.clone(),
        None => fixture.store.connect_application_pool().await?.1,
    };
    fixture.expect_success();
    // SQLite has one writer.
    let (tasks, loads) = if trial.cell.engine == Engine::Sqlite { (1, 0) } else { (5, 2) };
    let load = Load::start(&fixture, &mut rng, if application_pool { 0 } else { loads });
    let mut set = JoinSet::new();
    for task in 0..tasks {
        let (fixture, pool, mut rng) = (Arc::clone(&fixture), pool.clone(), rng.fork());
        let each = trial.pick(40, 80);
        set.spawn(async move {
            for _ in 0..each {
                transaction(&fixture, &pool, &mut rng, 3_000 + 100 * task, variant < 2).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = set.join_next().await {
        if let Err(error) = done? {
            fixture.problem(format!("a transaction of the application failed: {error:#}"));
        }
    }
    load.stop().await;
    // Items whose add was dropped before its deliveries are orphans.
    let _ = fixture.streams.purge().await;
    if fixture.pool.is_none() {
        pool.close().await?;
    }
    fixture.finish().await
}

/// One transaction.
async fn transaction(
    fixture: &Fixture,
    pool: &DatabaseConnection,
    rng: &mut Rng,
    first: i64,
    by_polls: bool,
) -> Result<()> {
    let options = TransactionOptions {
        sqlite_transaction_mode: (fixture.store.engine == Engine::Sqlite)
            .then_some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let item = fixture.history.item(first..=first + rng.i64(0..60));
    let is_stored = rng.u32(..4) == 0 && fixture.add(&item).await;
    let txn = pool.begin_with_options(options).await?;
    run_own_statement(fixture, &txn, rng).await?;
    fixture.history.begin(item.number);
    let store = fixture.store.clone();
    let users = Recipients::iter(item.users().map(move |user| store.user_id(user)));
    let streams = fixture.streams.in_transaction(&txn)?;
    let add = streams.add_stream_item(users, item.new_item()).into_future();
    let done =
        run_partly(add, by_polls, rng.u32(1..24), Duration::from_micros(rng.u64(..4_000))).await;
    for _ in 0..rng.u32(1..4) {
        run_own_statement(fixture, &txn, rng).await?;
    }
    if rng.bool() {
        txn.rollback().await?;
        if !is_stored {
            fixture.history.roll_back(item.number);
        }
        return Ok(());
    }
    txn.commit().await?;
    match done {
        Some(Ok(delivery)) => fixture.history.acknowledge(item.number, delivery.delivered),
        Some(Err(error)) => fixture.problem(format!("an add failed without a fault: {error}")),
        None => {}
    }
    Ok(())
}

/// Runs a statement of the application's own, which may not be prepared yet.
async fn run_own_statement(
    fixture: &Fixture,
    txn: &DatabaseTransaction,
    rng: &mut Rng,
) -> Result<()> {
    let (value, plus) = (rng.i64(0..1 << 40), rng.i64(0..20));
    let param = if fixture.store.engine == Engine::Postgres { "$1" } else { "?" };
    let sql = format!("SELECT {param} + {plus}");
    let statement = Statement::from_sql_and_values(txn.get_database_backend(), sql, [value.into()]);
    let row = txn.query_one_raw(statement).await?.context("the statement returned no row")?;
    ensure!(row.column_names().len() == 1, "the row is of another statement");
    let answer: i64 = row.try_get_by_index(0)?;
    if answer != value + plus {
        fixture.foreign(format!(
            "a statement of the application returned {answer} instead of {}",
            value + plus
        ));
    }
    Ok(())
}

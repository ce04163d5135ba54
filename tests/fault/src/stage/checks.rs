//! What is looked at besides the answers: sessions while a trial runs, and at its end slots,
//! closing and what is stored.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::{Context, Result};
use futures_util::future::join_all;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use super::{Limits, RECOVERY, Stage};
use crate::{cell::Engine, ledger::lock, proxy::Proxy, tally::Tally};

/// How long closing may take.
const CLOSE: Duration = Duration::from_secs(5);
/// Sessions above `max_connections` that are allowed.
const SPARE: usize = 2;

impl Stage {
    /// Looks at the sessions on the server all the time.
    pub(crate) fn watch(self: &Arc<Self>) -> JoinHandle<()> {
        let stage = Arc::clone(self);
        tokio::spawn(async move {
            let mut before = 0;
            while !stage.done.load(Ordering::Relaxed) {
                let limit = stage.most_sessions();
                // The server may be down.
                if let Ok(Ok(sessions)) =
                    timeout(Duration::from_secs(1), stage.judge.sessions(false)).await
                {
                    // One that has been closed may be there for a moment yet.
                    let too_many = sessions.all.min(before).saturating_sub(limit) as u64;
                    let mut tally = lock(&stage.tally);
                    if too_many > tally.too_many {
                        tally.too_many = too_many;
                    }
                    before = sessions.all;
                }
                sleep(Duration::from_millis(60)).await;
            }
        })
    }

    /// The end of a trial: sessions, slots, closing, and what is stored.
    pub(crate) async fn finish(self: &Arc<Self>) -> Result<Tally> {
        self.check_sessions().await?;
        self.check_slots().await?;
        self.done.store(true, Ordering::Relaxed);
        self.close().await;
        let stored = self.judge.stored().await.context("the judge cannot read")?;
        let mut tally = lock(&self.tally).clone();
        tally.acknowledged = self.ledger.acknowledged();
        tally.opened = self.proxy.as_ref().map_or(0, Proxy::accepted);
        self.ledger.judge(&stored, &mut tally);
        if tally.too_many > 0 {
            let limit = self.most_sessions();
            tally.problem(format!("{} sessions more than {limit} at once", tally.too_many));
        }
        Ok(tally)
    }

    /// Nothing of ours works, waits or holds a lock any more some time after the last call was
    /// given up.
    pub(crate) async fn check_sessions(&self) -> Result<()> {
        let given_up = *lock(&self.given_up);
        let deadline = given_up.unwrap_or_else(Instant::now) + RECOVERY;
        // What ends this very moment is seen once.
        let deadline = deadline.max(Instant::now() + Duration::from_millis(300));
        loop {
            let busy =
                self.judge.sessions(true).await.context("the judge cannot count sessions")?.busy;
            if busy.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                let mut tally = lock(&self.tally);
                tally.left += busy.len() as u64;
                let count = busy.len();
                tally.problem(format!(
                    "{count} sessions still run a statement or hold a lock: {}",
                    busy.join("; ")
                ));
                return Ok(());
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// As many calls as there are connections are held on the server at once, and then answer at
    /// once.
    async fn check_slots(self: &Arc<Self>) -> Result<()> {
        let connections = self.place.limits.connections as usize;
        self.expect_success();
        if !self.place.engine.is_sql_server() {
            return self.check_many_calls().await;
        }
        let table = &self.place.table;
        let mut session = self.judge.session().await?;
        let lock_table = match self.place.engine {
            Engine::Postgres => format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"),
            _ => format!("LOCK TABLES {table} WRITE"),
        };
        let Ok(locked) = timeout(CLOSE, session.execute(&lock_table)).await else {
            self.problem("a session that was left keeps others from locking the table");
            return Ok(());
        };
        locked?;
        let calls: Vec<_> = (0..connections)
            .map(|user| {
                let stage = Arc::clone(self);
                tokio::spawn(async move { stage.read(user as i64).await.is_some() })
            })
            .collect();
        let Limits { connect, statement, .. } = self.place.limits;
        let deadline = Instant::now() + connect.min(statement).mul_f64(0.6);
        let mut held = 0;
        while held < connections && Instant::now() < deadline {
            held = held.max(self.judge.sessions(false).await?.busy.len());
            sleep(Duration::from_millis(10)).await;
        }
        session.end().await?;
        join_all(calls).await;
        let missing = connections.saturating_sub(held);
        if missing > 0 {
            let mut tally = lock(&self.tally);
            tally.slots += missing as u64;
            tally
                .problem(format!("{missing} of {connections} connections of the pool are missing"));
        }
        Ok(())
    }

    /// Where a read cannot be held: many calls at once, each of which answers.
    async fn check_many_calls(self: &Arc<Self>) -> Result<()> {
        if let (Some(pool), Engine::Sqlite) = (&self.pool, self.place.engine) {
            let pool = pool.get_sqlite_connection_pool();
            let connections = (0..self.place.limits.connections).map(|_| pool.acquire());
            let held = join_all(connections).await;
            let missing = held.iter().filter(|held| held.is_err()).count();
            if missing > 0 {
                let mut tally = lock(&self.tally);
                tally.slots += missing as u64;
                tally.problem(format!(
                    "{missing} connections of the application's pool are missing"
                ));
            }
        }
        join_all((0..32).map(|user| self.read(user))).await;
        Ok(())
    }

    /// How many sessions there may be at once, of all pools together.
    fn most_sessions(&self) -> usize {
        (1 + self.other_pools.load(Ordering::Relaxed)) * self.place.limits.connections as usize
            + SPARE
    }

    async fn close(&self) {
        if timeout(CLOSE, self.streams.close()).await.is_err() {
            self.problem(format!("close() took over {} s", CLOSE.as_secs()));
        }
        if let Some(pool) = &self.pool {
            _ = timeout(CLOSE, pool.close_by_ref()).await;
        }
    }
}

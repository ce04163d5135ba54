//! A task of the load: it adds, reads and deletes, with users of its own.

use std::{
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use fastrand::Rng;
use futures_util::{TryStreamExt, stream};
use sea_orm::{
    DatabaseConnection, SqliteTransactionMode, TransactionOptions, TransactionTrait,
    sea_query::{Alias, Expr, ExprTrait, Query},
};
use tokio::time::sleep;
use user_streams_core::{
    Paginator, Recipients, StreamItem, StreamItems, Streams, backend::Capability,
};
use user_streams_single_table::Users;
use user_streams_test_servers::harness::Engine;

use super::{
    calls::Caller,
    model::Model,
    task::{Expected, Tally},
};
use crate::{
    history::Item,
    partly::run_partly,
    store::{Limits, Store},
};

/// How many users a worker has.
pub(super) const USERS: i64 = 20;
/// The items of a page.
const PAGE: usize = 10;

/// The number of the next item in this process.
static NEXT_ITEM: AtomicU64 = AtomicU64::new(1);

/// The application's table of users, for queries.
pub(super) fn people(store: &Store) -> String {
    format!("{}_people", store.table)
}

/// What the workers of a process share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) store: Option<Store>,
    pub(super) limits: Limits,
    pub(super) tally: Arc<std::sync::Mutex<Tally>>,
}

pub(super) struct Worker {
    streams: Streams,
    store: Option<Store>,
    /// The application's pool, for transactions. The application's table has this worker's users.
    pool: Option<DatabaseConnection>,
    limits: Limits,
    caller: Caller,
    models: Vec<Model>,
}

impl Worker {
    pub(super) fn new(shared: &Shared, streams: Streams, first: i64, rng: Rng) -> Self {
        Self {
            streams,
            store: shared.store.clone(),
            pool: None,
            limits: shared.limits,
            caller: Caller { number: first, rng, tally: Arc::clone(&shared.tally) },
            models: (first..first + USERS).map(Model::new).collect(),
        }
    }

    /// Adds in transactions on this pool and by queries, too.
    pub(super) fn with_pool(mut self, pool: DatabaseConnection) -> Self {
        self.pool = Some(pool);
        self
    }

    /// Makes calls until it is stopped.
    pub(super) async fn run(mut self, stop: Arc<AtomicBool>) -> Self {
        while !stop.load(Ordering::Relaxed) {
            self.step().await;
            sleep(Duration::from_millis(self.caller.rng.u64(..25))).await;
        }
        self
    }

    /// Makes some calls.
    pub(super) async fn steps(&mut self, count: usize) {
        for _ in 0..count {
            self.step().await;
        }
    }

    async fn step(&mut self) {
        let index = self.caller.rng.usize(..self.models.len());
        if self.models[index].can_settle() {
            self.read_all(index).await;
        }
        match self.caller.rng.u32(..100) {
            0..30 => self.add(index..=index).await,
            30..45 => self.broadcast().await,
            45..52 if self.pool.is_some() => self.transaction().await,
            45..60 => self.read_slice(index).await,
            60..66 => self.read_stream(index).await,
            66..74 => self.read_by_cursor(index).await,
            74..80 => self.read_pages(index).await,
            80..90 => self.count(index).await,
            90..98 => self.delete(index).await,
            _ => self.purge().await,
        }
    }

    fn items(&self, index: usize) -> StreamItems {
        self.streams.get_stream_items(self.models[index].user)
    }

    fn user_range(&self, indexes: &RangeInclusive<usize>) -> RangeInclusive<i64> {
        self.models[*indexes.start()].user..=self.models[*indexes.end()].user
    }

    /// Some users next to each other.
    fn some_users(&mut self) -> RangeInclusive<usize> {
        let first = self.caller.rng.usize(..self.models.len());
        let last = first + self.caller.rng.usize(1..12);
        first..=last.min(self.models.len() - 1)
    }

    /// An item for these users, if none of them has a delete in doubt.
    fn item(&self, indexes: &RangeInclusive<usize>) -> Option<Item> {
        let is_settled = self.models[indexes.clone()].iter().all(Model::is_settled);
        let number = NEXT_ITEM.fetch_add(1, Ordering::Relaxed);
        is_settled.then(|| Item::new(number, &self.user_range(indexes)))
    }

    fn acknowledge(&mut self, indexes: &RangeInclusive<usize>, item: &Item) {
        self.models[indexes.clone()].iter_mut().for_each(|model| model.add(item));
    }

    fn doubt(&mut self, indexes: &RangeInclusive<usize>) {
        self.models[indexes.clone()].iter_mut().for_each(Model::doubt);
    }

    async fn add(&mut self, indexes: RangeInclusive<usize>) {
        let Some(item) = self.item(&indexes) else { return };
        let users: Vec<_> = item.users().collect();
        let add = self.streams.add_stream_item(users.clone(), item.new_item()).into_future();
        if self.caller.call("add", self.limits.statement, add).await.is_some() {
            return self.acknowledge(&indexes, &item);
        }
        // As an application would: the same item again.
        if self.caller.rng.bool() {
            let add = self.streams.add_stream_item(users, item.new_item()).into_future();
            if self.caller.complete("retry", self.limits.statement, add).await.is_some() {
                return self.acknowledge(&indexes, &item);
            }
        }
        self.doubt(&indexes);
    }

    async fn broadcast(&mut self) {
        let indexes = self.some_users();
        let kind = self.caller.rng.u32(..5);
        if kind == 0 {
            return self.add(indexes).await;
        }
        let Some(item) = self.item(&indexes) else { return };
        let users = item.users();
        let recipients = match (kind, &self.store) {
            (1, _) => Recipients::iter(users),
            (2, _) => Recipients::stream(stream::iter(users)),
            (4, Some(store)) if self.pool.is_some() => {
                let id = || Expr::col(Alias::new("id"));
                let select = Query::select()
                    .expr(id())
                    .from(Alias::new(people(store)))
                    .and_where(id().between(*users.start(), *users.end()))
                    .to_owned();
                Recipients::query(Users::query(select))
            }
            _ => Recipients::try_stream(stream::iter(users.map(Ok::<_, std::io::Error>))),
        };
        let bound = if kind == 1 { self.limits.statement } else { self.limits.broadcast };
        let add = self.streams.add_stream_item(recipients, item.new_item()).into_future();
        match self.caller.call("broadcast", bound, add).await {
            Some(_) => self.acknowledge(&indexes, &item),
            None => self.doubt(&indexes),
        }
    }

    /// An add in a transaction of the application's, which commits or rolls back.
    async fn transaction(&mut self) {
        let Some(pool) = self.pool.clone() else { return };
        let indexes = self.some_users();
        let Some(item) = self.item(&indexes) else { return };
        let rng = &mut self.caller.rng;
        let (is_dropped, polls, commits) = (rng.u32(..6) == 0, rng.u32(1..12), rng.bool());
        let polls = if is_dropped { polls } else { u32::MAX };
        let transaction = self.add_within(&pool, &item, polls, commits);
        let ended = transaction.await;
        self.caller.count("transaction");
        match ended {
            Ok(true) if commits => self.acknowledge(&indexes, &item),
            Ok(false) if commits => self.doubt(&indexes),
            Ok(_) => {}
            Err(error) => {
                self.caller.problem(format!("a transaction failed: {error:#}"));
                self.doubt(&indexes);
            }
        }
    }

    /// Returns whether the add ended, rather than being dropped.
    async fn add_within(
        &self,
        pool: &DatabaseConnection,
        item: &Item,
        polls: u32,
        commits: bool,
    ) -> anyhow::Result<bool> {
        let is_sqlite = self.store.as_ref().is_some_and(|store| store.engine == Engine::Sqlite);
        let options = TransactionOptions {
            sqlite_transaction_mode: is_sqlite.then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.caller.running("begin");
        let txn = pool.begin_with_options(options).await?;
        self.caller.running("add in transaction");
        let streams = self.streams.in_transaction(&txn)?;
        let users: Vec<_> = item.users().collect();
        let add = streams.add_stream_item(users, item.new_item()).into_future();
        let added = run_partly(add, true, polls, Duration::ZERO).await.transpose()?;
        self.caller.running("end of transaction");
        if commits {
            txn.commit().await?;
        } else {
            txn.rollback().await?;
        }
        Ok(added.is_some())
    }

    async fn read_slice(&mut self, index: usize) {
        let items = self.items(index).slice(..PAGE);
        let read = async { items.await };
        if let Some(page) = self.caller.call("slice", self.limits.statement, read).await {
            self.caller.expect(self.models[index].check(&page, page.len() < PAGE));
        }
    }

    async fn read_stream(&mut self, index: usize) {
        let read = self.items(index).stream().try_collect::<Vec<_>>();
        if let Some(items) = self.caller.call("stream", self.limits.statement, read).await {
            self.caller.expect(self.models[index].check(&items, true));
        }
    }

    /// Two pages by cursor, and the first again on the way back.
    async fn read_by_cursor(&mut self, index: usize) {
        let (items, bound) = (self.items(index), self.limits.statement);
        let first = items.cursor_page(PAGE).into_future();
        let Some(first) = self.caller.call("cursor", bound, first).await else { return };
        self.caller.expect(self.models[index].check(&first.items, first.next.is_none()));
        let Some(next) = first.next else { return };
        let second = items.cursor_page(PAGE).after(next).into_future();
        let Some(second) = self.caller.call("cursor", bound, second).await else { return };
        let both: Vec<StreamItem> = first.items.iter().chain(&second.items).cloned().collect();
        self.caller.expect(self.models[index].check(&both, second.next.is_none()));
        let Some(previous) = second.previous else { return };
        let back = items.cursor_page(PAGE).before(previous).into_future();
        if let Some(back) = self.caller.call("cursor", bound, back).await {
            self.caller.expect(self.models[index].check_any(&back.items));
        }
    }

    /// A page by number, which is several reads.
    async fn read_pages(&mut self, index: usize) {
        let paginator = Paginator::new(self.items(index), PAGE);
        let number = self.caller.rng.usize(1..4);
        let page = async { paginator.get_page(number).await };
        if let Some(page) = self.caller.call("page", 2 * self.limits.statement, page).await {
            let items: Vec<_> = page.iter().cloned().collect();
            self.caller.expect(self.models[index].check_any(&items));
        }
    }

    async fn count(&mut self, index: usize) {
        let items = self.items(index);
        if let Some(count) = self.caller.call("count", self.limits.statement, items.count()).await {
            self.caller.expect(self.models[index].check_count(count));
        }
    }

    async fn delete(&mut self, index: usize) {
        if !self.models[index].is_settled() {
            return;
        }
        let delete = self.streams.delete_stream(self.models[index].user);
        match self.caller.call("delete", self.limits.statement, delete).await {
            Some(deleted) => {
                let checked = self.models[index].check_count(deleted as usize);
                self.caller.expect(checked);
                self.models[index].delete();
            }
            None => self.models[index].doubt_delete(),
        }
    }

    async fn purge(&mut self) {
        if self.streams.capabilities().has(Capability::Purge) {
            let streams = self.streams.clone();
            self.caller.call("purge", self.limits.broadcast, streams.purge()).await;
        }
    }

    /// Reads a whole stream, and learns from it whether a dropped delete took effect.
    async fn read_all(&mut self, index: usize) {
        let read = self.items(index).stream().try_collect::<Vec<_>>();
        let read = self.caller.complete("stream", self.limits.statement, read).await;
        let Some(items) = read else { return };
        let model = &mut self.models[index];
        let checked =
            if model.can_settle() { model.settle(&items) } else { model.check(&items, true) };
        self.caller.expect(checked);
    }

    /// Checks every stream, when nothing is in progress any more; returns what must be stored.
    pub(super) async fn finish(mut self) -> Vec<Expected> {
        for index in 0..self.models.len() {
            self.read_all(index).await;
        }
        self.models.iter().map(Model::expected).collect()
    }
}

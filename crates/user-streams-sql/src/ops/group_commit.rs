//! Group commit: concurrent adds to single users share a commit, where a commit costs more than a
//! row, which is on SQLite.
//!
//! The call that gets the write permit takes the waiting adds, its own among them, and stores them.
//! Nobody waits for others to come: a single add is stored at once. The statements here assume the
//! common case; if one fails, nothing is stored, and each add of the group is then made by itself,
//! with its own count and its own error.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use sea_orm::Value;
use tokio::sync::oneshot;
use user_streams_core::{Error, ErrorKind, NewItem, Result};

use crate::{
    Dialect, Layout, Schema,
    pool::{Access, Executor, Limits, Pools, end_transaction},
    schema::{GroupInsert, GroupStatements},
};

/// Adds of one group: their rows fit into one statement.
const MAX_ADDS: usize = 64;
/// Bytes of content of one group, unless a single add has more.
const MAX_BYTES: usize = 1 << 20;

/// The queue of waiting adds.
#[derive(Debug)]
pub(super) struct GroupCommit(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    pools: Pools,
    statements: GroupStatements,
    queue: Mutex<Queue>,
    /// Whether the last group had several adds, so that more may be about to come.
    is_crowded: AtomicBool,
}

#[derive(Debug, Default)]
struct Queue {
    adds: Vec<WaitingAdd>,
    last_number: u64,
}

#[derive(Debug)]
struct WaitingAdd {
    number: u64,
    user: Value,
    item: NewItem,
    committed: oneshot::Sender<()>,
}

/// The result of a waiting add.
pub(super) enum Outcome {
    /// Stored with others.
    Committed,
    /// To be stored by itself, on this lease if there is one.
    NotGrouped(Option<Box<dyn Executor>>),
}

impl GroupCommit {
    /// For SQLite; a server commits concurrent transactions together by itself.
    pub(super) fn new<L: Layout>(pools: &Pools, schema: &Schema) -> Option<Self> {
        (pools.dialect == Dialect::Sqlite).then(|| {
            Self(Arc::new(Shared {
                pools: pools.clone(),
                statements: GroupStatements::new::<L>(schema, MAX_ADDS),
                queue: Mutex::default(),
                is_crowded: AtomicBool::new(false),
            }))
        })
    }

    /// Stores the item for the user together with other waiting adds, if there are any.
    pub(super) async fn add(&self, limits: Limits, user: Value, item: &NewItem) -> Result<Outcome> {
        let shared = &self.0;
        let (sender, mut committed) = oneshot::channel();
        let number = shared.queue().push(user, item.clone(), sender);
        loop {
            let executor = tokio::select! {
                biased;
                // The sender is dropped unused if the group failed.
                committed = &mut committed => {
                    return Ok(committed.map_or(Outcome::NotGrouped(None), |()| Outcome::Committed));
                }
                executor = shared.pools.lease(Access::Write, limits) => executor?,
            };
            if shared.is_crowded.load(Ordering::Relaxed) {
                // The callers of the last group are about to add again.
                tokio::task::yield_now().await;
            }
            let group = shared.queue().take_group();
            shared.is_crowded.store(group.len() > 1, Ordering::Relaxed);
            if let [only] = &group[..]
                && only.number == number
            {
                return Ok(Outcome::NotGrouped(Some(executor)));
            }
            // In a task: the others need an answer even if this call is dropped.
            tokio::spawn(Arc::clone(shared).commit(group, executor));
        }
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn commit(self: Arc<Self>, group: Vec<WaitingAdd>, mut executor: Box<dyn Executor>) {
        if self.insert(&mut *executor, &group).await.is_ok() {
            for add in group {
                // The caller may be gone by now.
                let _ = add.committed.send(());
            }
        }
    }

    async fn insert(&self, executor: &mut dyn Executor, group: &[WaitingAdd]) -> Result<()> {
        let Some(items) = &self.statements.items else {
            let rows = group.iter().map(|add| {
                let [at, id] = add.key();
                [at, id, add.user.clone(), add.item.content().into()]
            });
            return insert_rows(executor, &self.statements.deliveries, rows).await;
        };
        executor.begin().await?;
        let inserted = async {
            let rows = group.iter().map(|add| {
                let [at, id] = add.key();
                [at, id, add.item.content().into()]
            });
            insert_rows(executor, items, rows).await?;
            let rows = group.iter().map(|add| {
                let [at, id] = add.key();
                [at, id, add.user.clone()]
            });
            insert_rows(executor, &self.statements.deliveries, rows).await
        };
        let inserted = inserted.await;
        end_transaction(executor, inserted).await
    }
}

/// By the smallest statement with enough rows; the rest of its rows are NULL.
async fn insert_rows<const N: usize>(
    executor: &mut dyn Executor,
    statements: &[GroupInsert],
    rows: impl ExactSizeIterator<Item = [Value; N]>,
) -> Result<()> {
    let statement = GroupInsert::for_rows(statements, rows.len())
        .ok_or_else(|| Error::new(ErrorKind::Backend, "the group is too large"))?;
    let mut values: Vec<_> = rows.flatten().collect();
    values.resize(statement.rows * N, Value::BigInt(None));
    executor.execute(&statement.sql, values).await.map(drop)
}

impl WaitingAdd {
    /// `created_at_us, id`
    fn key(&self) -> [Value; 2] {
        [self.item.created_at_us().into(), self.item.id().get().into()]
    }
}

impl Queue {
    fn push(&mut self, user: Value, item: NewItem, committed: oneshot::Sender<()>) -> u64 {
        self.last_number += 1;
        self.adds.push(WaitingAdd { number: self.last_number, user, item, committed });
        self.last_number
    }

    /// The next group: the oldest adds whose callers still wait.
    fn take_group(&mut self) -> Vec<WaitingAdd> {
        self.adds.retain(|add| !add.committed.is_closed());
        let mut bytes = 0;
        let fits = |add: &&WaitingAdd| {
            bytes += add.item.content().len();
            bytes <= MAX_BYTES
        };
        let count = self.adds.iter().take(MAX_ADDS).take_while(fits).count();
        // A single add that is larger goes by itself.
        self.adds.drain(..count.max(1).min(self.adds.len())).collect()
    }
}

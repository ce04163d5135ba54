//! Single adds that come at the same time share one commit, where a commit costs more than a row:
//! on SQLite.
//!
//! Who gets the turn to write takes the adds that wait, its own among them, and stores them all.
//! Nobody waits for others to come: an add that is alone is stored at once. Statements here expect
//! that all goes well; whatever fails stores nothing, and each of those adds is then made alone,
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
    pool::{Access, Executor, Limits, Pools, finish},
    schema::{GroupStatements, Rows},
};

/// Adds of one group: their rows are few enough for one statement.
const MOST: usize = 64;
/// Bytes of content of one group, unless one add alone has more.
const MOST_BYTES: usize = 1 << 20;

/// The adds that wait.
#[derive(Debug)]
pub(super) struct Group(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    pools: Pools,
    statements: GroupStatements,
    waiting: Mutex<Waiting>,
    /// Whether the last group had several adds, so that more may be about to come.
    crowded: AtomicBool,
}

#[derive(Debug, Default)]
struct Waiting {
    adds: Vec<Waiter>,
    count: u64,
}

#[derive(Debug)]
struct Waiter {
    number: u64,
    user: Value,
    item: NewItem,
    stored: oneshot::Sender<()>,
}

/// What became of an add.
pub(super) enum Outcome {
    /// It was stored with others.
    Stored,
    /// It is to be made alone, on this connection if there is one.
    Alone(Option<Box<dyn Executor>>),
}

impl Group {
    /// For a database where it pays.
    pub(super) fn new<L: Layout>(pools: &Pools, schema: &Schema) -> Option<Self> {
        (pools.dialect == Dialect::Sqlite).then(|| {
            Self(Arc::new(Shared {
                pools: pools.clone(),
                statements: GroupStatements::new::<L>(schema, MOST),
                waiting: Mutex::default(),
                crowded: AtomicBool::new(false),
            }))
        })
    }

    /// Stores the item for the user together with what else waits, or says that it is to be stored
    /// alone.
    pub(super) async fn add(&self, limits: Limits, user: Value, item: &NewItem) -> Result<Outcome> {
        let shared = &self.0;
        let (stored, mut told) = oneshot::channel();
        let number = shared.waiting().push(user, item.clone(), stored);
        loop {
            let on = tokio::select! {
                biased;
                // The sender is dropped unused where the group failed.
                told = &mut told => return Ok(told.map_or(Outcome::Alone(None), |()| Outcome::Stored)),
                on = shared.pools.lease(Access::Write, limits) => on?,
            };
            if shared.crowded.load(Ordering::Relaxed) {
                // Those whom the last group has just answered are about to add again.
                tokio::task::yield_now().await;
            }
            let group = shared.waiting().take();
            shared.crowded.store(group.len() > 1, Ordering::Relaxed);
            if let [only] = &group[..]
                && only.number == number
            {
                return Ok(Outcome::Alone(Some(on)));
            }
            // Apart from this future: the others must be told even if it is dropped.
            tokio::spawn(Arc::clone(shared).store(group, on));
        }
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn store(self: Arc<Self>, group: Vec<Waiter>, mut on: Box<dyn Executor>) {
        if self.insert(&mut *on, &group).await.is_ok() {
            for waiter in group {
                // It may be gone by now.
                let _ = waiter.stored.send(());
            }
        }
    }

    async fn insert(&self, on: &mut dyn Executor, group: &[Waiter]) -> Result<()> {
        let Some(items) = &self.statements.items else {
            let rows = group.iter().map(|waiter| {
                let [at, id] = waiter.key();
                [at, id, waiter.user.clone(), waiter.item.content().into()]
            });
            return insert_rows(on, &self.statements.deliveries, rows).await;
        };
        on.begin().await?;
        let inserted = async {
            let rows = group.iter().map(|waiter| {
                let [at, id] = waiter.key();
                [at, id, waiter.item.content().into()]
            });
            insert_rows(on, items, rows).await?;
            let rows = group.iter().map(|waiter| {
                let [at, id] = waiter.key();
                [at, id, waiter.user.clone()]
            });
            insert_rows(on, &self.statements.deliveries, rows).await
        };
        let inserted = inserted.await;
        finish(on, inserted).await
    }
}

/// By the shortest statement that has room for so many, with NULL in the rows that are too many,
/// which it leaves out.
async fn insert_rows<const N: usize>(
    on: &mut dyn Executor,
    statements: &[Rows],
    rows: impl ExactSizeIterator<Item = [Value; N]>,
) -> Result<()> {
    let statement = GroupStatements::of(statements, rows.len())
        .ok_or_else(|| Error::new(ErrorKind::Backend, "the group is too large"))?;
    let mut values: Vec<_> = rows.flatten().collect();
    values.resize(statement.rows * N, Value::BigInt(None));
    on.execute(&statement.sql, values).await.map(drop)
}

impl Waiter {
    /// `created_at_us, id`
    fn key(&self) -> [Value; 2] {
        [self.item.created_at_us().into(), self.item.id().get().into()]
    }
}

impl Waiting {
    fn push(&mut self, user: Value, item: NewItem, stored: oneshot::Sender<()>) -> u64 {
        self.count += 1;
        self.adds.push(Waiter { number: self.count, user, item, stored });
        self.count
    }

    /// The next group, the first of those who still want it.
    fn take(&mut self) -> Vec<Waiter> {
        self.adds.retain(|waiter| !waiter.stored.is_closed());
        let mut bytes = 0;
        let fits = |waiter: &&Waiter| {
            bytes += waiter.item.content().len();
            bytes <= MOST_BYTES
        };
        let count = self.adds.iter().take(MOST).take_while(fits).count();
        // One that is larger than that goes alone.
        self.adds.drain(..count.max(1).min(self.adds.len())).collect()
    }
}

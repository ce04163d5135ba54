//! Single adds that come at the same time share one commit, where a commit costs more than a row: on SQLite.
//!
//! Who gets the turn to write takes the adds that wait, its own among them, and stores them all. Nobody waits for others to
//! come: an add that is alone is stored at once. Statements here expect that all goes well; whatever fails stores nothing,
//! and each of those adds is then made alone, with its own count and its own error.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use sea_orm::Value;
use tokio::sync::oneshot;
use user_streams_core::{Error, ErrorKind, NewItem, Result};

use crate::{
    Dialect, Layout, Schema,
    database::{Database, On, WriteTurn},
    statements::GroupStatements,
};

/// Adds of one group: their rows are few enough for one statement.
const MOST: usize = 64;
/// Bytes of content of one group, unless one add alone has more.
const MOST_BYTES: usize = 1 << 20;

/// The adds that wait.
#[derive(Debug)]
pub(crate) struct Group(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    database: Database,
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
pub(crate) enum Outcome {
    /// It was stored with others.
    Stored,
    /// It is to be made alone, in this turn if there is one.
    Alone(Option<WriteTurn>),
}

impl Group {
    /// For a database where it pays.
    pub(crate) fn new<L: Layout>(database: &Database, schema: &Schema) -> Option<Self> {
        (database.dialect == Dialect::Sqlite).then(|| {
            Self(Arc::new(Shared {
                database: database.clone(),
                statements: GroupStatements::new::<L>(schema, MOST),
                waiting: Mutex::default(),
                crowded: AtomicBool::new(false),
            }))
        })
    }

    /// Stores the item for the user together with what else waits, or says that it is to be stored alone.
    pub(crate) async fn add(&self, user: Value, item: &NewItem) -> Result<Outcome> {
        let shared = &self.0;
        let (stored, mut told) = oneshot::channel();
        let number = shared.waiting().push(user, item.clone(), stored);
        loop {
            let turn = tokio::select! {
                biased;
                // The sender is dropped unused where the group failed.
                told = &mut told => return Ok(told.map_or(Outcome::Alone(None), |()| Outcome::Stored)),
                turn = shared.database.write_turn() => turn?,
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
                return Ok(Outcome::Alone(Some(turn)));
            }
            // Apart from this future: the others must be told even if it is dropped.
            tokio::spawn(Arc::clone(shared).store(group, turn));
        }
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn store(self: Arc<Self>, group: Vec<Waiter>, turn: WriteTurn) {
        let done = self.insert(&group).await;
        if done.is_ok() {
            for waiter in group {
                // It may be gone by now.
                let _ = waiter.stored.send(());
            }
        }
        drop(turn);
    }

    async fn insert(&self, group: &[Waiter]) -> Result<()> {
        let too_many = || Error::new(ErrorKind::Backend, "the group is too large");
        let count = group.len();
        let deliveries = GroupStatements::of(&self.statements.deliveries, count).ok_or_else(too_many)?;
        let item = |waiter: &Waiter| [waiter.item.created_at_us().into(), waiter.item.id().get().into()];
        let content = |waiter: &Waiter| Value::from(waiter.item.content());
        let Some(items) = &self.statements.items else {
            let rows = group
                .iter()
                .flat_map(|waiter| item(waiter).into_iter().chain([waiter.user.clone(), content(waiter)]));
            let values = padded(rows, deliveries.rows * 4);
            self.database.execute(self.database.write(), &deliveries.sql, values).await?;
            return Ok(());
        };
        let items = GroupStatements::of(items, count).ok_or_else(too_many)?;
        let mut transaction = self.database.begin().await?;
        let rows = group.iter().flat_map(|waiter| item(waiter).into_iter().chain([content(waiter)]));
        self.database
            .execute(On::Transaction(&mut transaction), &items.sql, padded(rows, items.rows * 3))
            .await?;
        let rows = group.iter().flat_map(|waiter| item(waiter).into_iter().chain([waiter.user.clone()]));
        self.database
            .execute(On::Transaction(&mut transaction), &deliveries.sql, padded(rows, deliveries.rows * 3))
            .await?;
        self.database.commit(transaction).await
    }
}

/// With NULL in the rows that are too many, which the statement leaves out.
fn padded(values: impl Iterator<Item = Value>, length: usize) -> Vec<Value> {
    let mut padded = Vec::with_capacity(length);
    padded.extend(values);
    padded.resize(length, Value::BigInt(None));
    padded
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

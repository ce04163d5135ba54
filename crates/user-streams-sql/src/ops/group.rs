//! Adds that come together: those that wait at the same time are stored by one statement and one
//! commit, where a commit costs more than a row.
//!
//! A few calls at a time may store; the others wait in a queue. A call that may store takes those
//! that wait, its own among them. Nobody waits for others to come: a single add is stored at once.
//! The statements assume that nobody has any of the items. If one fails, nothing is stored, and
//! each add of the group is then made by itself, with its own count and its own error.

use std::{
    collections::VecDeque,
    error::Error as _,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::{Instant, timeout_at},
};
use user_streams_core::{Error, ErrorKind, NewItem, Result, UserId, UserIdKind};

use super::batch;
use crate::{
    Dialect, Layout, Schema,
    dialect::Row,
    live::{self, Note, Telling},
    pool::{Access, Executor, Limits, Pools, end_transaction},
    schema::GroupStatements,
};

/// Adds of one group.
const MAX_ADDS: usize = 128;
/// Bytes of one group, unless a single add has more.
const MAX_BYTES: usize = 1 << 20;
/// How many groups are stored at once on a server: while one is answered, the next one is under
/// way. With more of them each would be smaller.
const LEADERS: usize = 2;
/// Whoever has waited for so long stores all the same: one of the groups may be held up.
const MAX_WAIT: Duration = Duration::from_millis(100);

/// The adds that wait, and who may store them.
#[derive(Debug)]
pub(super) struct Group(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    pools: Pools,
    statements: GroupStatements,
    user_id: UserIdKind,
    telling: Option<Telling>,
    leaders: Arc<Semaphore>,
    queue: Mutex<Queue>,
    /// Whether the last group had several adds, so that more may be about to come.
    is_crowded: AtomicBool,
}

/// In the order of their numbers.
#[derive(Debug, Default)]
struct Queue {
    adds: VecDeque<WaitingAdd>,
    last_number: u64,
}

#[derive(Debug)]
struct WaitingAdd {
    number: u64,
    add: Add,
    answer: oneshot::Sender<Answer>,
}

/// What became of a group.
#[derive(Debug)]
enum Answer {
    Stored,
    NotStored,
    Unknown(Error),
}

#[derive(Debug)]
struct Add {
    user: UserId,
    item: Arc<NewItem>,
}

/// What became of an add.
pub(super) enum Outcome {
    /// Stored with others.
    Stored,
    /// To be stored by itself: now, if it may lead.
    Alone(Option<Lead>),
}

/// The right to store, with a connection for it.
pub(super) struct Lead {
    pub(super) executor: Box<dyn Executor>,
    pub(super) permit: Option<OwnedSemaphorePermit>,
}

impl Group {
    /// `None` where users are rows of the application, which a group would lock together: whoever
    /// holds one of them would hold up the others' adds.
    pub(super) fn new<L: Layout>(
        pools: &Pools,
        schema: &Schema,
        telling: Option<&Telling>,
    ) -> Option<Self> {
        let is_sqlite = pools.dialect == Dialect::Sqlite;
        // SQLite has one connection that writes, and waiting for it is fair.
        let leaders = if is_sqlite { Semaphore::MAX_PERMITS } else { LEADERS };
        (is_sqlite || schema.users.is_none()).then(|| {
            Self(Arc::new(Shared {
                pools: pools.clone(),
                statements: GroupStatements::new::<L>(schema),
                user_id: schema.user_id,
                telling: telling.cloned(),
                leaders: Arc::new(Semaphore::new(leaders)),
                queue: Mutex::default(),
                is_crowded: AtomicBool::new(false),
            }))
        })
    }

    /// Stores the item for the user together with other waiting adds, if there are any.
    pub(super) async fn add(
        &self,
        limits: Limits,
        user: UserId,
        item: Arc<NewItem>,
    ) -> Result<Outcome> {
        let shared = &self.0;
        let _waiting = shared.pools.waiting.acquire()?;
        let (answer, mut answered) = oneshot::channel();
        let number = shared.queue().push(Add { user, item }, answer);
        while shared.queue().has(number) {
            let lead = tokio::select! {
                biased;
                answer = &mut answered => return outcome(answer),
                lead = shared.lead(limits) => lead,
            };
            let lead = match lead {
                Ok(lead) => lead,
                Err(error) if shared.queue().has(number) => return Err(error),
                Err(_) => break,
            };
            if shared.is_crowded.load(Ordering::Relaxed) {
                // The callers of the last group are about to add again.
                tokio::task::yield_now().await;
            }
            let room = batch::room(&*lead.executor);
            let group = shared.queue().take_group(room.min(MAX_BYTES));
            shared.is_crowded.store(group.len() > 1, Ordering::Relaxed);
            match &group[..] {
                [] => {}
                [only] if only.number == number => {
                    // First, or the end of its sender would wake this task.
                    drop(answered);
                    return Ok(Outcome::Alone(Some(lead)));
                }
                // In a task: the others need an answer even if this call is dropped.
                _ => drop(tokio::spawn(Arc::clone(shared).store(group, lead))),
            }
        }
        match timeout_at(limits.deadline, answered).await {
            Ok(answer) => outcome(answer),
            Err(_) => Err(shared.pools.timeout_error(Access::Write, &limits)),
        }
    }
}

fn outcome(answer: Result<Answer, oneshot::error::RecvError>) -> Result<Outcome> {
    match answer {
        Ok(Answer::Stored) => Ok(Outcome::Stored),
        Ok(Answer::NotStored) => Ok(Outcome::Alone(None)),
        Ok(Answer::Unknown(error)) => Err(error),
        Err(_) => Err(Error::new(
            ErrorKind::Connection,
            "the tokio runtime that stored the item with others has ended, so that it is unknown \
             whether it is stored",
        )),
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until another group can be stored.
    async fn lead(&self, limits: Limits) -> Result<Lead> {
        let limits = limits.waiting_since(Instant::now());
        let permit = Arc::clone(&self.leaders).acquire_owned();
        let permit = timeout_at(limits.wait_deadline(MAX_WAIT), permit).await;
        let executor = self.pools.lease_uncounted(Access::Write, limits).await?;
        Ok(Lead { executor, permit: permit.ok().and_then(Result::ok) })
    }

    /// Stores a group and answers its callers. If all of them leave, it is a call that is dropped.
    async fn store(self: Arc<Self>, group: Vec<WaitingAdd>, lead: Lead) {
        let Lead { executor, permit: _permit } = lead;
        let (mut answers, adds): (Vec<_>, Vec<_>) =
            group.into_iter().map(|add| (add.answer, add.add)).unzip();
        // Who leads has waited for the longest time.
        let limits = Limits::for_call(&self.pools.timeouts);
        let shared = Arc::clone(&self);
        let work = |mut executor: Box<dyn Executor>| async move {
            executor.store_group(limits);
            shared.insert(&mut *executor, &adds).await
        };
        let stored = tokio::select! {
            biased;
            stored = self.pools.run_on(Access::Write, executor, limits, work) => stored,
            () = all_left(&mut answers) => return,
        };
        for answer in answers {
            // The caller may be gone by now.
            let _ = answer.send(Answer::of(&stored));
        }
    }

    async fn insert(&self, executor: &mut dyn Executor, adds: &[Add]) -> Result<()> {
        if self.statements.items.is_none() && executor.autocommits() {
            return self.insert_rows(executor, adds).await;
        }
        executor.begin().await?;
        let inserted = self.insert_rows(executor, adds).await;
        end_transaction(executor, inserted).await
    }

    /// The rows of each table are in the order of its primary key, so that groups wait for each
    /// other and do not deadlock.
    async fn insert_rows(&self, executor: &mut dyn Executor, adds: &[Add]) -> Result<()> {
        let (dialect, kind) = (self.pools.dialect, self.user_id);
        let GroupStatements { separate_items, items, with, deliveries } = &self.statements;
        let mut rows: Vec<_> = adds.iter().map(Add::row).collect();
        if *separate_items {
            rows.sort_unstable_by_key(|row| (row.id, row.created_at_us, row.user));
        } else {
            rows.sort_unstable_by_key(|row| (row.user, row.created_at_us, row.id));
        }
        if let Some(items) = items {
            let stored: Vec<_> = rows.iter().map(|row| Row { user: None, ..*row }).collect();
            executor.execute(items, Row::source(dialect, kind, &stored)).await?;
            rows.iter_mut().for_each(|row| row.content = None);
            rows.sort_unstable_by_key(|row| (row.user, row.created_at_us, row.id));
        }
        let notes: Vec<_> = self.telling.iter().flat_map(|telling| notes(telling, adds)).collect();
        let values = Row::source(dialect, kind, &rows);
        live::execute_all(executor, with, deliveries, values, &notes).await
    }
}

fn notes(telling: &Telling, adds: &[Add]) -> impl Iterator<Item = Note> {
    let note = |add: &Add| telling.item(Some(std::slice::from_ref(&add.user)), add.item.cursor());
    adds.iter().map(note)
}

/// Waits until nobody waits for an answer.
async fn all_left(answers: &mut [oneshot::Sender<Answer>]) {
    for answer in answers {
        answer.closed().await;
    }
}

impl Answer {
    /// Where it is unknown whether a statement was executed, to make it again would be safe, but
    /// would say that the user had the item already.
    fn of(stored: &Result<()>) -> Self {
        match stored {
            Ok(()) => Self::Stored,
            Err(error) => match error.kind() {
                ErrorKind::Connection | ErrorKind::Timeout => Self::Unknown(copy(error)),
                _ => Self::NotStored,
            },
        }
    }
}

/// The same error for another call.
fn copy(error: &Error) -> Error {
    let copy = Error::new(error.kind(), error.message()).with_retryable(error.is_retryable());
    match error.source() {
        Some(source) => copy.with_source(source.to_string()),
        None => copy,
    }
}

impl Add {
    fn row(&self) -> Row<'_> {
        Row {
            user: Some(&self.user),
            created_at_us: self.item.created_at_us(),
            id: self.item.id().get(),
            content: Some(self.item.content()),
        }
    }
}

impl Queue {
    fn push(&mut self, add: Add, answer: oneshot::Sender<Answer>) -> u64 {
        self.last_number += 1;
        self.adds.push_back(WaitingAdd { number: self.last_number, add, answer });
        self.last_number
    }

    /// Whether this add waits, and is in no group yet.
    fn has(&self, number: u64) -> bool {
        self.adds.binary_search_by_key(&number, |add| add.number).is_ok()
    }

    /// The next group, of up to so many bytes: the oldest adds whose callers still wait.
    fn take_group(&mut self, room: usize) -> Vec<WaitingAdd> {
        self.adds.retain(|add| !add.answer.is_closed());
        let mut bytes = 0;
        let fits = |add: &&WaitingAdd| {
            bytes += add.add.row().size();
            bytes <= room
        };
        let count = self.adds.iter().take(MAX_ADDS).take_while(fits).count();
        // A single add that is larger goes by itself.
        self.adds.drain(..count.max(1).min(self.adds.len())).collect()
    }
}

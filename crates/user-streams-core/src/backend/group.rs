//! Adds that come together: those that wait at the same time are stored as one group, where sending
//! or committing costs more than an item.
//!
//! A few calls at a time may store; the others wait in a queue. A call that may store takes those
//! that wait, its own among them. Nobody waits for others to come: a single add is stored at once.

use std::{
    collections::VecDeque,
    error::Error as _,
    fmt,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{Either, select},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::{Instant, timeout_at},
};

use crate::{Error, ErrorKind, NewItem, Result, UserId, backend::async_trait};

/// Whoever has waited for so long stores all the same: one of the groups may be held up.
const MAX_WAIT: Duration = Duration::from_millis(100);

/// One item for one user.
#[derive(Debug)]
pub struct SingleAdd {
    /// The recipient.
    pub user: UserId,
    /// The item.
    pub item: Arc<NewItem>,
}

/// How a backend stores a group of adds.
#[async_trait]
pub trait StoreGroup: Send + Sync + 'static {
    /// What it takes to store, such as a connection.
    type Lead: Send + 'static;

    /// Adds of one group.
    const MAX_ADDS: usize;

    /// Waits for what it takes to store, for a call that has waited since then, and waits at most
    /// until the deadline. Cancel-safe.
    async fn lead(&self, since: Instant, deadline: Instant) -> Result<Self::Lead>;

    /// The bytes of one group, unless a single add has more.
    fn room(&self, lead: &Self::Lead) -> usize;

    /// About how many bytes an add has in a group.
    fn size(add: &SingleAdd) -> usize;

    /// Stores the adds. For each of them the number of streams that have received it, or `None` if
    /// it is not stored and has to be made by itself. After a `Connection` or a `Timeout` it is
    /// unknown what is stored, and each add fails with that; after another error nothing is, and
    /// each is made by itself. Cancel-safe.
    async fn store(&self, adds: Vec<SingleAdd>, lead: Self::Lead) -> Result<Vec<Option<u64>>>;

    /// The error of an add whose group took longer than the deadline.
    fn timeout_error(&self) -> Error;
}

/// What became of an add.
#[derive(Debug)]
pub enum Grouped<L> {
    /// Stored with others: how many streams have received it.
    Stored(u64),
    /// To be made by itself: now, if it may.
    Alone(Option<(L, GroupPermit)>),
}

/// Lets a call store, until it is dropped.
#[derive(Debug)]
pub struct GroupPermit {
    _permit: Option<OwnedSemaphorePermit>,
}

/// The adds that wait, and how they are stored.
pub struct Group<S>(Arc<Shared<S>>);

struct Shared<S> {
    store: S,
    leaders: Arc<Semaphore>,
    queue: Mutex<Queue>,
    /// Whether the last group had several adds, so that more may be about to come.
    is_crowded: AtomicBool,
}

/// In the order of their numbers.
#[derive(Default)]
struct Queue {
    adds: VecDeque<WaitingAdd>,
    last_number: u64,
}

struct WaitingAdd {
    number: u64,
    add: SingleAdd,
    answer: oneshot::Sender<Answer>,
}

type Answer = Result<Option<u64>>;

impl<S: StoreGroup> Group<S> {
    /// With nothing that waits. So many groups are stored at once: with more of them each is
    /// smaller.
    pub fn new(store: S, leaders: usize) -> Self {
        let leaders = Arc::new(Semaphore::new(leaders));
        let (queue, is_crowded) = Default::default();
        Self(Arc::new(Shared { store, leaders, queue, is_crowded }))
    }

    /// Stores the add together with others that wait, if there are any. If this future is dropped,
    /// the others of its group are stored all the same. Within a tokio runtime.
    ///
    /// # Errors
    /// That of the group's [`store`](StoreGroup::store), of [`lead`](StoreGroup::lead), or the
    /// [`timeout_error`](StoreGroup::timeout_error); `Connection` if the runtime that stored the
    /// group has ended.
    pub async fn add(&self, add: SingleAdd, deadline: Instant) -> Result<Grouped<S::Lead>> {
        let shared = &self.0;
        // Where nobody waits, there is nobody to wait with.
        if shared.is_idle()
            && let Some(Ok(lead)) = shared.lead(deadline).now_or_never()
        {
            return Ok(Grouped::Alone(Some(lead)));
        }
        let (answer, mut answered) = oneshot::channel();
        let number = shared.queue().push(add, answer);
        while shared.queue().has(number) {
            let lead = match select(&mut answered, pin!(shared.lead(deadline))).await {
                Either::Left((answer, _)) => return grouped(answer),
                Either::Right((lead, _)) => lead,
            };
            let (lead, permit) = match lead {
                Ok(lead) => lead,
                Err(error) if shared.queue().has(number) => return Err(error),
                Err(_) => break,
            };
            if shared.is_crowded.load(Ordering::Relaxed) {
                // The callers of the last group are about to add again.
                tokio::task::yield_now().await;
            }
            let group = shared.queue().take_group::<S>(shared.store.room(&lead));
            shared.is_crowded.store(group.len() > 1, Ordering::Relaxed);
            match &group[..] {
                [] => {}
                [only] if only.number == number => {
                    // First, or the end of its sender would wake this task.
                    drop(answered);
                    return Ok(Grouped::Alone(Some((lead, permit))));
                }
                // In a task: the others need an answer even if this call is dropped.
                _ => drop(tokio::spawn(Arc::clone(shared).store(group, lead, permit))),
            }
        }
        match timeout_at(deadline, answered).await {
            Ok(answer) => grouped(answer),
            Err(_) => Err(shared.store.timeout_error()),
        }
    }
}

fn grouped<L>(answer: Result<Answer, oneshot::error::RecvError>) -> Result<Grouped<L>> {
    match answer {
        Ok(answer) => Ok(answer?.map_or(Grouped::Alone(None), Grouped::Stored)),
        Err(_) => Err(Error::new(
            ErrorKind::Connection,
            "the tokio runtime that stored the item with others has ended, so that it is unknown \
             whether it is stored",
        )),
    }
}

impl<S: StoreGroup> Shared<S> {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nobody waits, and nobody is about to.
    fn is_idle(&self) -> bool {
        !self.is_crowded.load(Ordering::Relaxed) && self.queue().adds.is_empty()
    }

    /// Waits until another group can be stored.
    async fn lead(&self, deadline: Instant) -> Result<(S::Lead, GroupPermit)> {
        let since = Instant::now();
        let permit = Arc::clone(&self.leaders).acquire_owned();
        let permit = timeout_at(deadline.min(since + MAX_WAIT), permit).await;
        let lead = self.store.lead(since, deadline).await?;
        Ok((lead, GroupPermit { _permit: permit.ok().and_then(Result::ok) }))
    }

    /// Stores a group and answers its callers. If all of them leave, it is a call that is dropped.
    async fn store(self: Arc<Self>, group: Vec<WaitingAdd>, lead: S::Lead, _permit: GroupPermit) {
        let (mut answers, adds): (Vec<_>, Vec<_>) =
            group.into_iter().map(|add| (add.answer, add.add)).unzip();
        let stored = self.store.store(adds, lead);
        let mut stored = match select(stored, pin!(all_left(&mut answers))).await {
            Either::Left((stored, _)) => stored.map(Vec::into_iter),
            Either::Right(_) => return,
        };
        for answer in answers {
            let outcome = match &mut stored {
                Ok(outcomes) => Ok(outcomes.next().flatten()),
                // To make it again would be safe, but would say that the user had the item already.
                Err(error) if is_unknown(error) => Err(copy(error)),
                Err(_) => Ok(None),
            };
            // The caller may be gone by now.
            let _ = answer.send(outcome);
        }
    }
}

/// Whether it is unknown what was done.
fn is_unknown(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Connection | ErrorKind::Timeout)
}

/// Waits until nobody waits for an answer.
async fn all_left(answers: &mut [oneshot::Sender<Answer>]) {
    for answer in answers {
        answer.closed().await;
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

impl Queue {
    fn push(&mut self, add: SingleAdd, answer: oneshot::Sender<Answer>) -> u64 {
        self.last_number += 1;
        self.adds.push_back(WaitingAdd { number: self.last_number, add, answer });
        self.last_number
    }

    /// Whether this add waits, and is in no group yet.
    fn has(&self, number: u64) -> bool {
        self.adds.binary_search_by_key(&number, |add| add.number).is_ok()
    }

    /// The next group, of up to so many bytes: the oldest adds whose callers still wait.
    fn take_group<S: StoreGroup>(&mut self, room: usize) -> Vec<WaitingAdd> {
        self.adds.retain(|add| !add.answer.is_closed());
        let mut bytes = 0;
        let fits = |waiting: &&WaitingAdd| {
            bytes += S::size(&waiting.add);
            bytes <= room
        };
        let count = self.adds.iter().take(S::MAX_ADDS).take_while(fits).count();
        // A single add that is larger goes by itself.
        self.adds.drain(..count.max(1).min(self.adds.len())).collect()
    }
}

impl<S> fmt::Debug for Group<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    /// Notes the groups it stores. The content is what becomes of an add: a number of streams, `by
    /// itself` or `never`.
    #[derive(Debug, Default)]
    struct Noted(Arc<Mutex<Vec<usize>>>);

    #[async_trait]
    impl StoreGroup for Noted {
        type Lead = ();

        const MAX_ADDS: usize = 4;

        async fn lead(&self, _: Instant, _: Instant) -> Result<()> {
            tokio::task::yield_now().await;
            Ok(())
        }

        fn room(&self, (): &()) -> usize {
            100
        }

        fn size(add: &SingleAdd) -> usize {
            add.item.content().len()
        }

        async fn store(&self, adds: Vec<SingleAdd>, (): ()) -> Result<Vec<Option<u64>>> {
            self.0.lock().unwrap().push(adds.len());
            tokio::time::sleep(Duration::from_millis(1)).await;
            if adds.iter().any(|add| add.item.content() == "lost") {
                return Err(Error::new(ErrorKind::Connection, "lost"));
            }
            if adds.iter().any(|add| add.item.content() == "never") {
                std::future::pending::<()>().await;
            }
            Ok(adds.iter().map(|add| add.item.content().parse().ok()).collect())
        }

        fn timeout_error(&self) -> Error {
            Error::new(ErrorKind::Timeout, "too late")
        }
    }

    fn group(leaders: usize) -> (Group<Noted>, Arc<Mutex<Vec<usize>>>) {
        let noted = Noted::default();
        let sizes = Arc::clone(&noted.0);
        (Group::new(noted, leaders), sizes)
    }

    async fn add(group: &Group<Noted>, content: &str) -> Result<Option<u64>> {
        let add = SingleAdd { user: UserId::Int(1), item: Arc::new(NewItem::new(content)) };
        let deadline = Instant::now() + Duration::from_secs(1);
        Ok(match group.add(add, deadline).await? {
            Grouped::Stored(delivered) => Some(delivered),
            Grouped::Alone(_) => None,
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_single_add_is_made_at_once() {
        let (group, sizes) = group(1);
        let begun = Instant::now();
        assert_eq!(add(&group, "1").await.unwrap(), None);
        assert_eq!((begun.elapsed(), sizes.lock().unwrap().len()), (Duration::ZERO, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn each_has_an_answer_of_its_own() {
        let (group, sizes) = group(1);
        let contents = ["1", "0", "by itself", "1", "1", "0", "by itself", "0"];
        let added = join_all(contents.map(|content| add(&group, content))).await;
        let added: Vec<_> = added.into_iter().map(Result::unwrap).collect();
        assert_eq!(added, contents.map(|content| content.parse().ok()));
        assert_eq!(*sizes.lock().unwrap(), [4, 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_group_has_limited_bytes() {
        let (group, sizes) = group(1);
        let contents = ["1".repeat(150), "x".repeat(60), "x".repeat(60), "1".to_owned()];
        join_all(contents.iter().map(|content| add(&group, content))).await;
        // The first two go by themselves.
        assert_eq!(*sizes.lock().unwrap(), [2]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_of_a_group_is_that_of_each() {
        let (group, _) = group(1);
        for added in join_all(["1", "lost", "1"].map(|content| add(&group, content))).await {
            let error = added.unwrap_err();
            assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Connection, true));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_holds_up_nobody() {
        let (group, _) = group(1);
        // The first two begin to store and to wait, and leave.
        let mut left: Vec<_> = ["1", "1"].map(|content| Box::pin(add(&group, content))).into();
        join_all(left.iter_mut().map(|add| async { add.now_or_never() })).await;
        drop(left);
        let added = join_all(["1", "0"].map(|content| add(&group, content))).await;
        let added: Vec<_> = added.into_iter().map(Result::unwrap).collect();
        assert_eq!(added, [Some(1), Some(0)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_group_that_is_held_up_holds_up_the_others_for_a_moment_only() {
        let (group, _) = group(1);
        let held_up = async { join_all(["never", "1"].map(|content| add(&group, content))).await };
        let others = async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let begun = Instant::now();
            join_all(["1", "1"].map(|content| add(&group, content))).await;
            begun.elapsed()
        };
        let (held_up, took) = tokio::join!(held_up, others);
        assert!(took < MAX_WAIT * 2, "{took:?}");
        for added in held_up {
            assert_eq!(added.unwrap_err().kind(), ErrorKind::Timeout);
        }
    }
}

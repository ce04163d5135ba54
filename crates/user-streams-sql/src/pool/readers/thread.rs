//! A thread that reads.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;
use user_streams_core::backend::{ConnectionMetrics, OpenConnection};

use super::{
    connection::ReadConnection,
    queue::{Answer, Queue, Read},
};
use crate::{error::ends_session, url::SqliteFile};

/// How many answers are kept for others, at most.
const TOGETHER: usize = 32;
/// How long a connection is used.
const MAX_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// What the thread does now, which SQLite looks at during long statements.
#[derive(Default)]
pub(super) struct Work {
    /// Whom the statement under way is for.
    current: Option<oneshot::Sender<Answer>>,
    /// Answers that go together with the next ones.
    kept: Vec<(oneshot::Sender<Answer>, Answer)>,
}

impl Work {
    /// Called now and then during a long statement: what is kept for others goes at once, and
    /// whether the statement is to end since nobody waits for it.
    pub(super) fn is_in_vain(work: &Mutex<Self>) -> bool {
        let mut work = locked(work);
        work.answer();
        work.current.as_ref().is_some_and(oneshot::Sender::is_closed)
    }

    /// Gives the answers that are kept. A caller may have gone.
    fn answer(&mut self) {
        for (caller, answer) in mem::take(&mut self.kept) {
            drop(caller.send(answer));
        }
    }
}

fn locked(work: &Mutex<Work>) -> MutexGuard<'_, Work> {
    work.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection, and since when it is open.
struct Open {
    connection: ReadConnection,
    since: Instant,
    counted: OpenConnection,
}

/// Answers reads until the queue is closed.
pub(super) fn run(queue: &Queue, file: &SqliteFile, metrics: &ConnectionMetrics) {
    let work = Arc::new(Mutex::new(Work::default()));
    let mut open = None;
    while let Some(first) = queue.wait() {
        if open.as_ref().is_some_and(|open: &Open| open.since.elapsed() > MAX_LIFETIME) {
            open = None;
        }
        let mut next = Some(first);
        while let Some(Read { sql, values, caller }) = next {
            // Whoever has gone since is not read for.
            if !caller.is_closed() {
                locked(&work).current = Some(caller);
                let answer = answer(&mut open, file, metrics, &work, &sql, &values);
                let mut work = locked(&work);
                if let Some(caller) = work.current.take() {
                    work.kept.push((caller, answer));
                }
            }
            next = queue.take();
            let mut work = locked(&work);
            if next.is_none() || work.kept.len() >= TOGETHER {
                work.answer();
                drop(work);
                // Where all processors are busy, who was answered goes on first.
                thread::yield_now();
            }
        }
    }
}

fn answer(
    open: &mut Option<Open>,
    file: &SqliteFile,
    metrics: &ConnectionMetrics,
    work: &Arc<Mutex<Work>>,
    sql: &str,
    values: &[sea_orm::Value],
) -> Answer {
    let now = match open {
        Some(open) => open,
        None => {
            let connection = ReadConnection::open(file, Arc::clone(work))?;
            let (since, counted) = (Instant::now(), metrics.opened());
            open.insert(Open { connection, since, counted })
        }
    };
    let used = now.counted.used();
    let answer = now.connection.query(sql, values);
    drop(used);
    if answer.as_ref().is_err_and(ends_session) {
        *open = None;
    }
    answer
}

//! A thread that reads.

use std::{
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use user_streams_core::backend::{ConnectionMetrics, OpenConnection};

use super::{
    connection::ReadConnection,
    queue::{Answer, Queue, Read},
    work::{Work, locked},
};
use crate::{error::ends_session, url::SqliteFile};

/// How many answers are kept for others, at most.
const TOGETHER: usize = 32;
/// How long a connection is used.
const MAX_LIFETIME: Duration = Duration::from_secs(30 * 60);

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
    let mut next = queue.wait();
    while let Some(Read { sql, values, caller }) = next {
        // Whoever has gone since is not read for.
        if !caller.is_closed() {
            locked(&work).begin(caller);
            let answer = answer(&mut open, file, metrics, &work, &sql, &values);
            locked(&work).keep(answer);
        }
        next = queue.take();
        if next.is_none() || locked(&work).kept() >= TOGETHER {
            locked(&work).answer();
            // Where all processors are busy, who was answered goes on first.
            thread::yield_now();
        }
        next = next.or_else(|| queue.wait());
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
    open.take_if(|open| open.since.elapsed() > MAX_LIFETIME);
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

//! One change to the streams of any number of users.
//!
//! The recipients are read in chunks. A chunk is a batch: in a single server a few scripts, each
//! with many keys; in a cluster one script per key, sent in one pipeline to each server. A few
//! batches are in flight at a time, so memory stays flat however many recipients there are.
//!
//! Redis cannot roll a batch back. To make common mistakes harmless, recipients are read ahead
//! before anything is sent: an id of the wrong kind or a failing source among the first ten
//! thousand changes nothing. Later on, what has changed stays so. The error says how many streams
//! these are, and the same call again reaches the others.

use std::{collections::VecDeque, sync::Arc};

use fred::bytes::Bytes;
use tokio::{task::JoinSet, time::Instant};
use user_streams_core::{
    Error, ErrorKind, Result, UserId,
    backend::{Progress, RecipientChunks},
};

use super::{store::Store, unreached::Unreached};
use crate::{client::command::Command, reply};

/// Recipients of a batch.
pub(super) const BATCH: usize = 1_000;
/// The content of a batch in bytes, at the most: it has to be sent and stored within the timeout of
/// one operation.
pub(super) const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// Recipients that are read before the first batch is sent.
const READ_AHEAD: usize = 10_000;
/// Batches in flight.
pub(super) const MAX_BATCHES: usize = 4;
/// Keys of a script, which occupies the server for less than a millisecond.
pub(super) const KEYS_PER_SCRIPT: usize = 200;

/// What is done to the streams.
pub(super) trait Change {
    /// Does it to the streams of these users, at these keys. [`reply::changed`] reads the reply.
    fn command(&self, users: &[UserId], streams: Vec<Bytes>) -> Command;

    /// Explains an error of the command.
    fn explain(&self, error: Error) -> Error {
        error
    }

    /// What is said of the streams that have changed when others could not be reached.
    fn of_unreached(&self, changed: u64) -> String;

    /// What is said of them after an error.
    fn of_failed(&self, changed: u64) -> String;
}

/// The batches of a change.
pub(super) struct Batches<'a> {
    store: &'a Arc<Store>,
    chunks: RecipientChunks,
    ahead: VecDeque<Vec<UserId>>,
    has_more: bool,
    on_progress: Option<Progress>,
    changed: u64,
    has_reported: bool,
    in_flight: JoinSet<Result<Sent>>,
    /// Those of the batches that ended.
    unreached: Unreached,
    failure: Option<Error>,
}

/// What became of a batch.
struct Sent {
    changed: u64,
    unreached: Unreached,
}

impl<'a> Batches<'a> {
    /// Nothing is read or sent yet.
    pub(super) fn new(
        store: &'a Arc<Store>,
        chunks: RecipientChunks,
        on_progress: Option<Progress>,
    ) -> Self {
        Self {
            store,
            chunks,
            ahead: VecDeque::new(),
            has_more: true,
            on_progress,
            changed: 0,
            has_reported: false,
            in_flight: JoinSet::new(),
            unreached: Unreached::default(),
            failure: None,
        }
    }

    /// Reads the first recipients, and returns how many.
    pub(super) async fn read_ahead(&mut self) -> Result<usize> {
        while self.has_more && self.number_ahead() < READ_AHEAD {
            self.read_batch().await?;
        }
        Ok(self.number_ahead())
    }

    /// The only recipient, once they are read ahead.
    pub(super) fn only(&self) -> Option<&UserId> {
        let users = self.ahead.front().filter(|_| self.ahead.len() == 1 && !self.has_more)?;
        if let [user] = &users[..] { Some(user) } else { None }
    }

    fn number_ahead(&self) -> usize {
        self.ahead.iter().map(Vec::len).sum()
    }

    /// What is returned, and reported, for a change that was made otherwise.
    pub(super) fn made(mut self, changed: u64) -> u64 {
        self.report(changed);
        changed
    }

    /// Changes the streams of all recipients, and returns how many have changed. The deadline is
    /// that of the first batch.
    pub(super) async fn run(mut self, change: &impl Change, deadline: Instant) -> Result<u64> {
        if !self.has_more && self.ahead.len() <= 1 {
            match self.ahead.pop_front() {
                Some(users) => {
                    let commands = self.commands(change, &users)?;
                    let sent = send(Arc::clone(self.store), deadline, users, commands).await;
                    self.finish(sent.map_err(|error| change.explain(error))?);
                }
                None => self.report(0),
            }
            return self.changed(change);
        }
        self.run_batches(change).await
    }

    async fn run_batches(mut self, change: &impl Change) -> Result<u64> {
        loop {
            if self.ahead.is_empty()
                && self.has_more
                && let Err(error) = self.read_batch().await
            {
                self.fail(error);
            }
            if self.failure.is_some() {
                break;
            }
            let Some(users) = self.ahead.pop_front() else { break };
            if self.in_flight.len() >= MAX_BATCHES {
                self.finish_one(change).await;
            }
            match self.commands(change, &users) {
                Ok(commands) => {
                    let deadline = self.store.executor.deadline();
                    self.in_flight.spawn(send(Arc::clone(self.store), deadline, users, commands));
                }
                Err(error) => self.fail(error),
            }
        }
        while !self.in_flight.is_empty() {
            self.finish_one(change).await;
        }
        match self.failure.take() {
            None => {
                if !self.has_reported {
                    self.report(0);
                }
                self.changed(change)
            }
            Some(error) => Err(with_progress(error, &change.of_failed(self.changed))),
        }
    }

    /// Reads the recipients of a batch.
    async fn read_batch(&mut self) -> Result<()> {
        let chunk = self.chunks.next().await?;
        self.has_more = chunk.as_ref().is_some_and(|chunk| !chunk.last);
        self.ahead.extend(chunk.map(|chunk| chunk.users));
        Ok(())
    }

    fn commands(&self, change: &impl Change, users: &[UserId]) -> Result<Vec<Command>> {
        let command = |users: &[UserId]| {
            let streams = users.iter().map(|user| self.store.keys.stream(user));
            Ok(change.command(users, streams.collect::<Result<_>>()?))
        };
        users.chunks(users_per_command(self.store)).map(command).collect()
    }

    async fn finish_one(&mut self, change: &impl Change) {
        match self.in_flight.join_next().await {
            Some(Ok(Ok(sent))) => self.finish(sent),
            Some(Ok(Err(error))) => self.fail(change.explain(error)),
            Some(Err(error)) => self.fail(
                Error::new(ErrorKind::Backend, "a batch of the recipients was aborted")
                    .with_source(error),
            ),
            None => {}
        }
    }

    fn finish(&mut self, sent: Sent) {
        self.unreached.append(sent.unreached);
        self.report(sent.changed);
    }

    /// How many have changed, if all could be reached.
    fn changed(&self, change: &impl Change) -> Result<u64> {
        if self.unreached.is_empty() {
            Ok(self.changed)
        } else {
            Err(self.unreached.error(&change.of_unreached(self.changed)))
        }
    }

    fn report(&mut self, changed: u64) {
        self.changed += changed;
        self.has_reported = true;
        if let Some(on_progress) = &mut self.on_progress {
            on_progress(self.changed);
        }
    }

    /// Keeps the first error.
    fn fail(&mut self, error: Error) {
        self.failure.get_or_insert(error);
    }
}

/// The error, with what has changed.
pub(super) fn with_progress(error: Error, progress: &str) -> Error {
    if error.kind() == ErrorKind::Conflict {
        return error;
    }
    let message = format!("{}; {progress}", error.message());
    Error::new(error.kind(), message).with_retryable(error.is_retryable()).with_source(error)
}

/// Sends a batch, of a command for each few of its users.
async fn send(
    store: Arc<Store>,
    deadline: Instant,
    users: Vec<UserId>,
    commands: Vec<Command>,
) -> Result<Sent> {
    let together = users_per_command(&store);
    let replies = store.executor.all(deadline, commands).await?;
    let mut sent = Sent { changed: 0, unreached: Unreached::default() };
    for (users, reply) in users.chunks(together).zip(replies) {
        let (changed, foreign) = reply::changed(reply)?;
        sent.changed += changed;
        for at in foreign {
            let user = users.get(at).ok_or_else(reply::unexpected)?;
            sent.unreached.push(user.clone());
        }
    }
    Ok(sent)
}

fn users_per_command(store: &Store) -> usize {
    if store.executor.is_cluster() { 1 } else { KEYS_PER_SCRIPT }
}

//! Adds one item to the streams of any number of users.
//!
//! The recipients are read in chunks. A chunk is a batch: in a single server a few scripts, each
//! with many keys and the content once; in a cluster one script per key, sent in one pipeline to
//! each server. A few batches are in flight at a time, so memory stays flat however many recipients
//! there are.
//!
//! Shared content is not in the members, and is sent with each script nevertheless: the first one
//! stores it, and so does a later one if the streams of the former were deleted meanwhile.
//!
//! Redis cannot roll a batch back. To make common mistakes harmless, recipients are read ahead
//! before anything is sent: an id of the wrong kind or a failing source among the first ten
//! thousand stores nothing. Later on, the item stays with those who have it. The error says how
//! many they are, and adding the same item again reaches the others.

use std::{collections::VecDeque, sync::Arc};

use tokio::{task::JoinSet, time::Instant};
use user_streams_core::{
    Error, ErrorKind, Result, UserId,
    backend::{AddStreamItem, Progress, RecipientChunks},
};

use super::{content_limit, store::Store, unreached::Unreached};
use crate::{
    client::command::Command,
    config::NAME,
    reply,
    scripts::add::{self, EncodedItem},
};

/// Recipients of a batch.
const BATCH: usize = 1_000;
/// The content of a batch in bytes, at the most: it has to be sent and stored within the timeout of
/// one operation.
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// Recipients that are read before the first batch is sent.
const READ_AHEAD: usize = 10_000;
/// Batches in flight.
const MAX_BATCHES: usize = 4;
/// Keys of a script, which occupies the server for less than a millisecond.
const KEYS_PER_SCRIPT: usize = 200;

/// An add.
pub(crate) struct Add<'a> {
    store: &'a Arc<Store>,
    chunks: RecipientChunks,
    content_len: usize,
    item: EncodedItem,
    /// Instead of `item`, if there are several recipients.
    shared_item: Option<EncodedItem>,
    on_progress: Option<Progress>,
    delivered: u64,
    has_reported: bool,
    batches: JoinSet<Result<Sent>>,
    /// Those of the batches that ended.
    unreached: Unreached,
    failure: Option<Error>,
}

/// What became of a batch.
struct Sent {
    delivered: u64,
    unreached: Unreached,
}

impl<'a> Add<'a> {
    /// Prepares an add. Nothing is read or sent yet.
    pub(crate) fn new(store: &'a Arc<Store>, args: AddStreamItem) -> Result<Self> {
        let (recipients, item, on_progress) = args.into_parts();
        let content_len = item.content().len();
        let is_shared = store.shared_content_min_len.is_some_and(|min_len| content_len >= min_len);
        let per_batch = (BATCH_BYTES / content_len.max(1)).max(1);
        let per_batch = if is_shared { per_batch * KEYS_PER_SCRIPT } else { per_batch };
        Ok(Self {
            store,
            chunks: recipients.into_chunks(NAME, store.user_id, per_batch.min(BATCH))?,
            content_len,
            item: EncodedItem::new(&item),
            shared_item: is_shared.then(|| EncodedItem::shared(&item, &store.keys)),
            on_progress,
            delivered: 0,
            has_reported: false,
            batches: JoinSet::new(),
            unreached: Unreached::default(),
            failure: None,
        })
    }

    pub(crate) async fn run(mut self) -> Result<u64> {
        let mut ahead = VecDeque::new();
        let mut has_more = true;
        while has_more && ahead.iter().map(Vec::len).sum::<usize>() < READ_AHEAD {
            has_more = self.read_batch(&mut ahead).await?;
        }
        if ahead.iter().map(Vec::len).sum::<usize>() > 1
            && let Some(shared_item) = self.shared_item.take()
        {
            self.item = shared_item;
        }
        let deadline = self.store.executor.deadline();
        content_limit::check(&self.store.executor, deadline, self.content_len).await?;
        match self.item.content_key() {
            Some(_) => self.store.content_len.raise(self.content_len),
            None => self.store.member_len.raise(self.content_len),
        }
        if !has_more && ahead.len() <= 1 {
            match ahead.pop_front() {
                Some(users) => {
                    let commands = self.commands(&users)?;
                    let sent = send(Arc::clone(self.store), deadline, users, commands).await;
                    self.finish(sent.map_err(|error| self.explain(error))?);
                }
                None => self.report(0),
            }
            return self.delivered();
        }
        self.run_batches(ahead, has_more).await
    }

    async fn run_batches(
        mut self,
        mut ahead: VecDeque<Vec<UserId>>,
        mut has_more: bool,
    ) -> Result<u64> {
        loop {
            if ahead.is_empty() && has_more {
                match self.read_batch(&mut ahead).await {
                    Ok(yet_more) => has_more = yet_more,
                    Err(error) => self.fail(error),
                }
            }
            if self.failure.is_some() {
                break;
            }
            let Some(users) = ahead.pop_front() else { break };
            if self.batches.len() >= MAX_BATCHES {
                self.finish_one().await;
            }
            match self.commands(&users) {
                Ok(commands) => {
                    let deadline = self.store.executor.deadline();
                    self.batches.spawn(send(Arc::clone(self.store), deadline, users, commands));
                }
                Err(error) => self.fail(error),
            }
        }
        while !self.batches.is_empty() {
            self.finish_one().await;
        }
        match self.failure.take() {
            None => {
                if !self.has_reported {
                    self.report(0);
                }
                self.delivered()
            }
            Some(error) => Err(self.with_progress(error)),
        }
    }

    /// Reads the recipients of a batch, and returns whether there may be more.
    async fn read_batch(&mut self, ahead: &mut VecDeque<Vec<UserId>>) -> Result<bool> {
        let Some(chunk) = self.chunks.next().await? else { return Ok(false) };
        ahead.push_back(chunk.users);
        Ok(!chunk.last)
    }

    fn commands(&self, users: &[UserId]) -> Result<Vec<Command>> {
        let command = |users: &[UserId]| {
            let streams = users.iter().map(|user| self.store.keys.stream(user));
            Ok(self.item.add_to(streams.collect::<Result<_>>()?))
        };
        users.chunks(users_per_command(self.store)).map(command).collect()
    }

    async fn finish_one(&mut self) {
        match self.batches.join_next().await {
            Some(Ok(Ok(sent))) => self.finish(sent),
            Some(Ok(Err(error))) => self.fail(self.explain(error)),
            Some(Err(error)) => self.fail(
                Error::new(ErrorKind::Backend, "a batch of the broadcast was aborted")
                    .with_source(error),
            ),
            None => {}
        }
    }

    fn finish(&mut self, sent: Sent) {
        self.unreached.append(sent.unreached);
        self.report(sent.delivered);
    }

    /// How many received the item, if all could be reached.
    fn delivered(&self) -> Result<u64> {
        if self.unreached.is_empty() {
            Ok(self.delivered)
        } else {
            Err(self.unreached.error(self.delivered))
        }
    }

    fn report(&mut self, delivered: u64) {
        self.delivered += delivered;
        self.has_reported = true;
        if let Some(on_progress) = &mut self.on_progress {
            on_progress(self.delivered);
        }
    }

    /// Names the key of shared content that is of another type. Those of streams are no errors.
    fn explain(&self, error: Error) -> Error {
        match self.item.content_key() {
            Some(key) if error.kind() == ErrorKind::Corrupt => Error::new(
                ErrorKind::Corrupt,
                format!(
                    "the key `{}` of the item's shared content holds something else: delete it, \
                     and look for what has written it",
                    String::from_utf8_lossy(key)
                ),
            ),
            _ => error,
        }
    }

    /// Keeps the first error.
    fn fail(&mut self, error: Error) {
        self.failure.get_or_insert(error);
    }

    /// The error, with how many have received the item.
    fn with_progress(&self, error: Error) -> Error {
        if error.kind() == ErrorKind::Conflict {
            return error;
        }
        let message = format!(
            "{}; the item is with at least {} recipients by now, and adding the same `NewItem` \
             again reaches the others",
            error.message(),
            self.delivered
        );
        Error::new(error.kind(), message).with_retryable(error.is_retryable()).with_source(error)
    }
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
    let mut sent = Sent { delivered: 0, unreached: Unreached::default() };
    for (users, reply) in users.chunks(together).zip(replies) {
        let (delivered, foreign) = add::reply(reply)?;
        sent.delivered += delivered;
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

//! One item to many users.
//!
//! The recipients are read in chunks. A chunk is one batch: in a single server a few scripts, each
//! with many keys and the content once; in a cluster one script per key, sent in one go to each
//! server. A few batches are under way at a time, so memory stays flat however many recipients
//! there are.
//!
//! A content that is to be shared is apart from the members, and goes with each script
//! nevertheless: whichever is the first one stores it, and so does the next one if the streams of
//! the former were deleted meanwhile.
//!
//! What is not promised: Redis cannot take a batch back. To make the common mistakes harmless, the
//! recipients are read ahead before anything is sent: one of the wrong kind, or a source that
//! fails, stores nothing if it shows up among the first ten thousand. Later on, the item stays with
//! those who have it, and the error says how many they are; to add the same item again reaches the
//! others.

use std::{collections::VecDeque, sync::Arc};

use fred::bytes::Bytes;
use tokio::{
    task::{JoinError, JoinSet},
    time::Instant,
};
use user_streams_core::{
    Error, ErrorKind, NewItem, Progress, RecipientChunks, Recipients, Result, UserId, UserIdKind,
};

use crate::{
    backend::{NAME, count},
    client::Client,
    command::Command,
    contents,
    keys::Keys,
    scripts::Add,
};

/// Recipients of a batch.
const BATCH: usize = 1_000;
/// What the contents of a batch may come to, in bytes: a batch has to arrive and be stored in the
/// time of one command.
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// Recipients that are read before the first batch is sent.
const AHEAD: usize = 10_000;
/// Batches under way.
const UNDER_WAY: usize = 4;
/// Keys of a script: it holds up the server for less than a millisecond.
const KEYS: usize = 200;

pub(crate) struct Broadcast<'a> {
    client: &'a Arc<Client>,
    keys: &'a Keys,
    /// Of the content, in bytes.
    length: usize,
    add: Add,
    /// In place of `add` if there are several recipients.
    shared: Option<Add>,
    on_progress: Option<Progress>,
    delivered: u64,
    reported: bool,
    batches: JoinSet<Result<u64>>,
    failure: Option<Error>,
}

impl<'a> Broadcast<'a> {
    /// The recipients in batches.
    pub(crate) fn chunks(
        recipients: Recipients,
        kind: UserIdKind,
        item: &NewItem,
        shared: bool,
    ) -> Result<RecipientChunks> {
        let contents = (BATCH_BYTES / item.content().len().max(1)).max(1);
        let size = if shared { contents * KEYS } else { contents };
        recipients.into_chunks(NAME, kind, size.min(BATCH))
    }

    pub(crate) fn new(
        client: &'a Arc<Client>,
        keys: &'a Keys,
        item: &NewItem,
        shared: bool,
        on_progress: Option<Progress>,
    ) -> Self {
        Self {
            client,
            keys,
            length: item.content().len(),
            add: Add::new(item),
            shared: shared.then(|| Add::shared(item, keys)),
            on_progress,
            delivered: 0,
            reported: false,
            batches: JoinSet::new(),
            failure: None,
        }
    }

    pub(crate) async fn run(mut self, mut chunks: RecipientChunks) -> Result<u64> {
        let mut ahead = VecDeque::new();
        let mut more = true;
        while more && ahead.iter().map(Vec::len).sum::<usize>() < AHEAD {
            more = Self::read(&mut chunks, &mut ahead).await?;
        }
        if ahead.iter().map(Vec::len).sum::<usize>() > 1
            && let Some(shared) = self.shared.take()
        {
            self.add = shared;
        }
        let deadline = self.client.deadline();
        contents::check_len(self.client, deadline, self.length).await?;
        if !more && ahead.len() <= 1 {
            let delivered = match ahead.pop_front() {
                Some(users) => {
                    send(Arc::clone(self.client), deadline, self.commands(&users)).await?
                }
                None => 0,
            };
            self.report(delivered);
            return Ok(self.delivered);
        }
        loop {
            if ahead.is_empty() && more {
                match Self::read(&mut chunks, &mut ahead).await {
                    Ok(yet_more) => more = yet_more,
                    Err(error) => self.fail(error),
                }
            }
            // A key that something else has written concerns its user alone.
            if self.failure.as_ref().is_some_and(|error| error.kind() != ErrorKind::Corrupt) {
                break;
            }
            let Some(users) = ahead.pop_front() else { break };
            if self.batches.len() >= UNDER_WAY {
                self.finish_one().await;
            }
            let deadline = self.client.deadline();
            self.batches.spawn(send(Arc::clone(self.client), deadline, self.commands(&users)));
        }
        while !self.batches.is_empty() {
            self.finish_one().await;
        }
        match self.failure.take() {
            None => {
                if !self.reported {
                    self.report(0);
                }
                Ok(self.delivered)
            }
            Some(error) => Err(self.explain(error)),
        }
    }

    /// Reads a batch of recipients, and says whether there may be more.
    async fn read(chunks: &mut RecipientChunks, ahead: &mut VecDeque<Vec<UserId>>) -> Result<bool> {
        let Some(chunk) = chunks.next().await? else { return Ok(false) };
        ahead.push_back(chunk.users);
        Ok(!chunk.last)
    }

    fn commands(&self, users: &[UserId]) -> Vec<Command> {
        let keys = |users: &[UserId]| {
            users.iter().map(|user| self.keys.stream(user)).collect::<Vec<Bytes>>()
        };
        let together = if self.client.is_cluster() { 1 } else { KEYS };
        users.chunks(together).map(|users| self.add.to(keys(users))).collect()
    }

    async fn finish_one(&mut self) {
        match self.batches.join_next().await {
            Some(Ok(Ok(delivered))) => self.report(delivered),
            Some(Ok(Err(error))) => self.fail(error),
            Some(Err(error)) => self.fail(lost(error)),
            None => {}
        }
    }

    fn report(&mut self, delivered: u64) {
        self.delivered += delivered;
        self.reported = true;
        if let Some(report) = &mut self.on_progress {
            report(self.delivered);
        }
    }

    /// Keeps the error that matters most: the first that ends the broadcast.
    fn fail(&mut self, error: Error) {
        if self.failure.as_ref().is_none_or(|former| former.kind() == ErrorKind::Corrupt) {
            self.failure = Some(error);
        }
    }

    fn explain(&self, error: Error) -> Error {
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

async fn send(client: Arc<Client>, deadline: Instant, commands: Vec<Command>) -> Result<u64> {
    let answers = client.all(deadline, commands).await?;
    answers.iter().map(count).sum()
}

fn lost(error: JoinError) -> Error {
    Error::new(ErrorKind::Backend, "a batch of the broadcast was broken off").with_source(error)
}

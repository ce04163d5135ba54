//! A hand-written program on bare sockets, which broadcasts as `redis-cli --pipe` does.

use std::ops::RangeInclusive;

use anyhow::{Result, bail};
use async_trait::async_trait;
use tokio::sync::{Mutex, MutexGuard};
use user_streams_test_servers::harness::{
    member,
    resp::{Client, Reply, encode},
};

use super::{
    BulkRow, Item, PAGE, Program, consume,
    redis_feeds::{MARK_READ, UNREAD, by_user, place, row_member},
    timestamp_and_id,
};
use crate::store::Store;

const CONNECTIONS: usize = 8;
const BLOCK: usize = 1_000;
/// Users in one block, where each gets many items.
const BULK_BLOCK: usize = 10;

pub(super) struct Socket {
    connections: Vec<Mutex<Client>>,
    store: Store,
    /// The hashes of the scripts.
    unread: Vec<u8>,
    mark_read: Vec<u8>,
}

impl Socket {
    pub(super) async fn connect(store: &Store) -> Result<Self> {
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(Mutex::new(Client::connect(&store.address()?).await?));
        }
        let client = connections[0].get_mut();
        let (unread, mark_read) = (load(client, UNREAD).await?, load(client, MARK_READ).await?);
        Ok(Self { connections, store: store.clone(), unread, mark_read })
    }

    async fn number(&self, parts: &[&[u8]]) -> Result<i64> {
        match self.connection().await.call(parts).await? {
            Reply::Number(number) => Ok(number),
            other => bail!("expected a number: {other:?}"),
        }
    }

    async fn connection(&self) -> MutexGuard<'_, Client> {
        if let Some(free) =
            self.connections.iter().find_map(|connection| connection.try_lock().ok())
        {
            return free;
        }
        self.connections[fastrand::usize(..CONNECTIONS)].lock().await
    }

    async fn deliver(
        &self,
        mut users: impl Iterator<Item = i64> + Send,
        content: &str,
    ) -> Result<u64> {
        let (at, id) = timestamp_and_id();
        let (score, member) = (at.to_string(), member::encode(at, id, content));
        let blocks = std::iter::from_fn(|| {
            let mut block = Vec::with_capacity(BLOCK * (member.len() + 80));
            let mut commands = 0;
            for user in users.by_ref().take(BLOCK) {
                let key = self.store.key(user);
                encode(&mut block, &[b"ZADD", key.as_bytes(), score.as_bytes(), &member]);
                commands += 1;
            }
            (commands > 0).then_some((block, commands))
        });
        self.connection().await.pipe(blocks).await
    }

    async fn read(&self, user: i64, range: &[&[u8]]) -> Result<Vec<Item>> {
        let key = self.store.key(user);
        let parts: Vec<_> =
            [b"ZRANGE", key.as_bytes()].into_iter().chain(range.iter().copied()).collect();
        match self.connection().await.call(&parts).await? {
            Reply::Array(members) => {
                members.iter().map(|member| Item::from_member(member)).collect()
            }
            other => bail!("expected an array: {other:?}"),
        }
    }
}

async fn load(client: &mut Client, script: &str) -> Result<Vec<u8>> {
    match client.call(&[b"SCRIPT", b"LOAD", script.as_bytes()]).await? {
        Reply::Bytes(hash) => Ok(hash),
        other => bail!("expected a hash: {other:?}"),
    }
}

#[async_trait]
impl Program for Socket {
    fn name(&self) -> &'static str {
        "socket"
    }

    async fn add(&self, user: i64, content: &str) -> Result<()> {
        let (at, id) = timestamp_and_id();
        let (key, score, member) =
            (self.store.key(user), at.to_string(), member::encode(at, id, content));
        let parts: [&[u8]; 4] = [b"ZADD", key.as_bytes(), score.as_bytes(), &member];
        self.connection().await.call(&parts).await?;
        Ok(())
    }

    async fn broadcast(&self, users: &[i64], content: &str) -> Result<u64> {
        self.deliver(users.iter().copied(), content).await
    }

    async fn broadcast_stream(&self, users: RangeInclusive<i64>, content: &str) -> Result<u64> {
        self.deliver(users, content).await
    }

    async fn broadcast_query(&self, _: i64, _: &str) -> Result<u64> {
        bail!("Redis has no queries of users")
    }

    async fn page(&self, user: i64, offset: u64) -> Result<usize> {
        let (first, last) = (offset.to_string(), (offset + PAGE as u64 - 1).to_string());
        Ok(consume(self.read(user, &[first.as_bytes(), last.as_bytes(), b"REV"]).await?))
    }

    async fn page_after(&self, user: i64, created_at_us: i64, _: i64) -> Result<usize> {
        // Correct while no two items share a microsecond.
        let (below, limit) = (format!("({created_at_us}"), (PAGE + 1).to_string());
        let range: [&[u8]; 7] =
            [below.as_bytes(), b"-inf", b"BYSCORE", b"REV", b"LIMIT", b"0", limit.as_bytes()];
        Ok(consume(self.read(user, &range).await?).min(PAGE))
    }

    async fn count(&self, user: i64) -> Result<u64> {
        let key = self.store.key(user);
        Ok(self.number(&[b"ZCARD", key.as_bytes()]).await?.try_into()?)
    }

    async fn unread(&self, user: i64, limit: usize) -> Result<usize> {
        let (key, marks, limit) =
            (self.store.key(user), self.store.marks_key(user), limit.to_string());
        let parts: [&[u8]; 6] =
            [b"EVALSHA", &self.unread, b"2", key.as_bytes(), marks.as_bytes(), limit.as_bytes()];
        Ok(self.number(&parts).await?.try_into()?)
    }

    async fn mark_read(&self, user: i64, to: (i64, i64)) -> Result<()> {
        let (key, to) = (self.store.marks_key(user), place(to));
        let parts: [&[u8]; 5] = [b"EVALSHA", &self.mark_read, b"1", key.as_bytes(), &to];
        self.number(&parts).await?;
        Ok(())
    }

    async fn bulk_add(&self, rows: Vec<BulkRow>) -> Result<u64> {
        let users: Vec<_> = by_user(&rows).collect();
        let blocks = users.chunks(BULK_BLOCK).map(|users| {
            let mut block = Vec::new();
            for rows in users {
                let key = self.store.key(rows[0].user);
                let member =
                    |row: &BulkRow| [row.created_at_us.to_string().into_bytes(), row_member(row)];
                let members: Vec<_> = rows.iter().flat_map(member).collect();
                let command: [&[u8]; 2] = [b"ZADD", key.as_bytes()];
                let parts = command.into_iter().chain(members.iter().map(Vec::as_slice));
                encode(&mut block, &parts.collect::<Vec<_>>());
            }
            (block, users.len())
        });
        self.connection().await.pipe(blocks).await
    }

    async fn remove(&self, users: &[i64], (at, _): (i64, i64)) -> Result<u64> {
        // Correct while no two items share a microsecond.
        let score = at.to_string();
        let blocks = users.chunks(BLOCK).map(|users| {
            let mut block = Vec::with_capacity(BLOCK * 100);
            for user in users {
                let (key, score) = (self.store.key(*user), score.as_bytes());
                encode(&mut block, &[b"ZREMRANGEBYSCORE", key.as_bytes(), score, score]);
            }
            (block, users.len())
        });
        self.connection().await.pipe(blocks).await
    }
}

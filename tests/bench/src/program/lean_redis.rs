//! A hand-written program on bare sockets, which broadcasts as `redis-cli --pipe` does.

use std::ops::RangeInclusive;

use anyhow::{Result, bail};
use async_trait::async_trait;
use tokio::sync::{Mutex, MutexGuard};
use user_streams_test_servers::harness::{
    member,
    resp::{Client, Reply, encode},
};

use super::{Item, PAGE, Program, consume, timestamp_and_id};
use crate::store::Store;

const CONNECTIONS: usize = 8;
const BLOCK: usize = 1_000;

pub(super) struct Socket {
    connections: Vec<Mutex<Client>>,
    store: Store,
}

impl Socket {
    pub(super) async fn connect(store: &Store) -> Result<Self> {
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(Mutex::new(Client::connect(&store.address()?).await?));
        }
        Ok(Self { connections, store: store.clone() })
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
        match self.connection().await.call(&[b"ZCARD", key.as_bytes()]).await? {
            Reply::Number(count) => Ok(count.try_into()?),
            other => bail!("expected a number: {other:?}"),
        }
    }
}

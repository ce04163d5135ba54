//! A hand-written program on fred, the library's client: pipelines of 1,000 on a pool of 2.

use std::{ops::RangeInclusive, time::Duration};

use anyhow::{Result, bail};
use async_trait::async_trait;
use fred::{
    bytes::Bytes,
    clients::Pool,
    interfaces::{ClientLike, LuaInterface, SortedSetsInterface},
    types::{
        config::{Config, ConnectionConfig, PerformanceConfig, ReconnectPolicy, TcpConfig},
        sorted_sets::{ZRange, ZRangeBound, ZRangeKind, ZSort},
    },
};
use futures_util::{StreamExt, TryStreamExt, stream};
use user_streams_test_servers::harness::member;

use super::{
    BulkRow, Item, PAGE, Program, chunks, consume,
    redis_feeds::{MARK_READ, UNREAD, by_user, place, row_member},
    timestamp_and_id,
};
use crate::store::Store;

const PIPELINE: usize = 1_000;
const CONNECTIONS: usize = 2;
/// Users in one pipeline, where each gets many items.
const BULK_PIPELINE: usize = 10;

pub(super) struct Fred {
    pool: Pool,
    store: Store,
    /// The hashes of the scripts.
    unread: String,
    mark_read: String,
}

impl Fred {
    pub(super) async fn connect(store: &Store) -> Result<Self> {
        let connection = ConnectionConfig {
            tcp: TcpConfig { nodelay: Some(true), ..TcpConfig::default() },
            ..ConnectionConfig::default()
        };
        // Without these two, commands on a lost connection would wait forever.
        let performance = PerformanceConfig {
            default_command_timeout: Duration::from_secs(5),
            ..PerformanceConfig::default()
        };
        let policy = ReconnectPolicy::new_exponential(0, 100, 5_000, 2);
        let config = Config::from_url(&store.url)?;
        let pool =
            Pool::new(config, Some(performance), Some(connection), Some(policy), CONNECTIONS)?;
        pool.init().await?;
        let unread = pool.next().script_load(UNREAD).await?;
        let mark_read = pool.next().script_load(MARK_READ).await?;
        Ok(Self { pool, store: store.clone(), unread, mark_read })
    }

    async fn pipeline(&self, users: Vec<i64>, at: i64, member: Bytes) -> Result<u64> {
        let pipeline = self.pool.next().pipeline();
        for user in users {
            let key = self.store.key(user);
            let () =
                pipeline.zadd(key, None, None, false, false, (at as f64, member.clone())).await?;
        }
        let added: Vec<u64> = pipeline.all().await?;
        Ok(added.iter().sum())
    }

    async fn add_members(&self, users: Vec<(String, Vec<(f64, Bytes)>)>) -> Result<u64> {
        let pipeline = self.pool.next().pipeline();
        for (key, members) in users {
            let () = pipeline.zadd(key, None, None, false, false, members).await?;
        }
        let added: Vec<u64> = pipeline.all().await?;
        Ok(added.iter().sum())
    }

    async fn remove_from(&self, users: Vec<i64>, at: i64) -> Result<u64> {
        let pipeline = self.pool.next().pipeline();
        for user in users {
            let (key, score) = (self.store.key(user), at as f64);
            let () = pipeline.zremrangebyscore(key, score, score).await?;
        }
        let removed: Vec<u64> = pipeline.all().await?;
        Ok(removed.iter().sum())
    }

    /// Runs a pipeline on each connection while the next one is built.
    async fn deliver(
        &self,
        chunks: impl Iterator<Item = Vec<i64>> + Send,
        content: &str,
    ) -> Result<u64> {
        let (at, id) = timestamp_and_id();
        let member = Bytes::from(member::encode(at, id, content));
        let sent = chunks.map(|users| self.pipeline(users, at, member.clone()));
        stream::iter(sent)
            .buffer_unordered(CONNECTIONS + 1)
            .try_fold(0, async |sum, added| Ok(sum + added))
            .await
    }
}

fn items(members: &[Bytes]) -> Result<Vec<Item>> {
    members.iter().map(|member| Item::from_member(member)).collect()
}

#[async_trait]
impl Program for Fred {
    fn name(&self) -> &'static str {
        "fred"
    }

    async fn add(&self, user: i64, content: &str) -> Result<()> {
        let (at, id) = timestamp_and_id();
        let member = Bytes::from(member::encode(at, id, content));
        let score = at as f64;
        let _: u64 =
            self.pool.zadd(self.store.key(user), None, None, false, false, (score, member)).await?;
        Ok(())
    }

    async fn broadcast(&self, users: &[i64], content: &str) -> Result<u64> {
        self.deliver(users.chunks(PIPELINE).map(<[i64]>::to_vec), content).await
    }

    async fn broadcast_stream(&self, users: RangeInclusive<i64>, content: &str) -> Result<u64> {
        self.deliver(chunks(users, PIPELINE), content).await
    }

    async fn broadcast_query(&self, _: i64, _: &str) -> Result<u64> {
        bail!("Redis has no queries of users")
    }

    async fn page(&self, user: i64, offset: u64) -> Result<usize> {
        let offset = i64::try_from(offset)?;
        let last = offset + i64::try_from(PAGE)? - 1;
        let members: Vec<Bytes> =
            self.pool.zrange(self.store.key(user), offset, last, None, true, None, false).await?;
        Ok(consume(items(&members)?))
    }

    async fn page_after(&self, user: i64, created_at_us: i64, _: i64) -> Result<usize> {
        // Correct while no two items share a microsecond.
        let below =
            ZRange { kind: ZRangeKind::Exclusive, range: ZRangeBound::Score(created_at_us as f64) };
        let lowest = ZRange { kind: ZRangeKind::Inclusive, range: ZRangeBound::NegInfiniteScore };
        let limit = Some((0, i64::try_from(PAGE + 1)?));
        let key = self.store.key(user);
        let members: Vec<Bytes> =
            self.pool.zrange(key, below, lowest, Some(ZSort::ByScore), true, limit, false).await?;
        Ok(consume(items(&members)?).min(PAGE))
    }

    async fn count(&self, user: i64) -> Result<u64> {
        Ok(self.pool.zcard(self.store.key(user)).await?)
    }

    async fn unread(&self, user: i64, limit: usize) -> Result<usize> {
        let keys = vec![self.store.key(user), self.store.marks_key(user)];
        Ok(self.pool.evalsha(self.unread.as_str(), keys, i64::try_from(limit)?).await?)
    }

    async fn mark_read(&self, user: i64, to: (i64, i64)) -> Result<()> {
        let (key, to) = (self.store.marks_key(user), Bytes::from(place(to)));
        let _: u64 = self.pool.evalsha(self.mark_read.as_str(), key, to).await?;
        Ok(())
    }

    async fn bulk_add(&self, rows: Vec<BulkRow>) -> Result<u64> {
        let member = |row: &BulkRow| (row.created_at_us as f64, Bytes::from(row_member(row)));
        let members =
            |rows: &[BulkRow]| (self.store.key(rows[0].user), rows.iter().map(member).collect());
        let mut users = by_user(&rows).map(members).fuse();
        let pipelines = std::iter::from_fn(|| {
            let users: Vec<_> = users.by_ref().take(BULK_PIPELINE).collect();
            (!users.is_empty()).then_some(users)
        });
        stream::iter(pipelines.map(|users| self.add_members(users)))
            .buffer_unordered(CONNECTIONS + 1)
            .try_fold(0, async |sum, added| Ok(sum + added))
            .await
    }

    async fn remove(&self, users: &[i64], (at, _): (i64, i64)) -> Result<u64> {
        // Correct while no two items share a microsecond.
        let chunks = users.chunks(PIPELINE).map(<[i64]>::to_vec);
        stream::iter(chunks.map(|users| self.remove_from(users, at)))
            .buffer_unordered(CONNECTIONS + 1)
            .try_fold(0, async |sum, removed| Ok(sum + removed))
            .await
    }
}

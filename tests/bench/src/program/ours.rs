//! The library, as an application calls it.

use std::ops::RangeInclusive;

use anyhow::Result;
use async_trait::async_trait;
use futures_util::stream;
use sea_orm::{
    ExprTrait,
    sea_query::{Alias, Expr, Query},
};
use user_streams_core::{Cursor, Recipients, Streams};
use user_streams_single_table::Users;

use super::{PAGE, Program};
use crate::store::Store;

pub(super) struct Ours {
    streams: Streams,
}

impl Ours {
    pub(super) async fn connect(store: &Store) -> Result<Self> {
        let streams = store.streams().await?;
        streams.migrate().await?;
        Ok(Self { streams })
    }
}

#[async_trait]
impl Program for Ours {
    fn name(&self) -> &'static str {
        "ours"
    }

    async fn add(&self, user: i64, content: &str) -> Result<()> {
        self.streams.add_stream_item(user, content).await?;
        Ok(())
    }

    async fn broadcast(&self, users: &[i64], content: &str) -> Result<u64> {
        Ok(self.streams.add_stream_item(users, content).await?.delivered)
    }

    async fn broadcast_stream(&self, users: RangeInclusive<i64>, content: &str) -> Result<u64> {
        let users = Recipients::stream(stream::iter(users));
        Ok(self.streams.add_stream_item(users, content).await?.delivered)
    }

    async fn broadcast_query(&self, up_to: i64, content: &str) -> Result<u64> {
        let users = Query::select()
            .column(Alias::new("id"))
            .from(Alias::new("bench_users"))
            .and_where(Expr::col(Alias::new("id")).lte(up_to))
            .to_owned();
        Ok(self.streams.add_stream_item(Users::query(users), content).await?.delivered)
    }

    async fn page(&self, user: i64, offset: u64) -> Result<usize> {
        let offset = usize::try_from(offset)?;
        let items = self.streams.get_stream_items(user).slice(offset..offset + PAGE).await?;
        Ok(std::hint::black_box(items).len())
    }

    async fn page_after(&self, user: i64, created_at_us: i64, id: i64) -> Result<usize> {
        let created_at = chrono::DateTime::from_timestamp_micros(created_at_us).unwrap_or_default();
        let cursor = Cursor::new(created_at, id.try_into()?);
        let page = self.streams.get_stream_items(user).cursor_page(PAGE).after(cursor).await?;
        Ok(std::hint::black_box(page).items.len())
    }

    async fn count(&self, user: i64) -> Result<u64> {
        Ok(self.streams.get_stream_items(user).count().await? as u64)
    }
}

//! The library, as an application calls it.

use std::ops::RangeInclusive;

use anyhow::Result;
use async_trait::async_trait;
use futures_util::stream;
use sea_orm::{
    ExprTrait,
    sea_query::{Alias, Expr, Query},
};
use user_streams_core::{Cursor, NewItem, Recipients, Streams};
use user_streams_single_table::Users;

use super::{BulkRow, PAGE, Program};
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

    pub(super) fn with_max_len(self, max_len: u64) -> Self {
        Self { streams: self.streams.with_max_len(max_len) }
    }
}

fn cursor((created_at_us, id): (i64, i64)) -> Result<Cursor> {
    let created_at = chrono::DateTime::from_timestamp_micros(created_at_us).unwrap_or_default();
    Ok(Cursor::new(created_at, id.try_into()?))
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
        let cursor = cursor((created_at_us, id))?;
        let page = self.streams.get_stream_items(user).cursor_page(PAGE).after(cursor).await?;
        Ok(std::hint::black_box(page).items.len())
    }

    async fn count(&self, user: i64) -> Result<u64> {
        Ok(self.streams.get_stream_items(user).count().await? as u64)
    }

    async fn unread(&self, user: i64, limit: usize) -> Result<usize> {
        Ok(self.streams.get_stream_items(user).unread(limit).await?)
    }

    async fn mark_read(&self, user: i64, to: (i64, i64)) -> Result<()> {
        self.streams.get_stream_items(user).mark_read().up_to(cursor(to)?).await?;
        Ok(())
    }

    async fn bulk_add(&self, rows: Vec<BulkRow>) -> Result<u64> {
        let rows = rows.into_iter().map(|row| {
            let place = cursor((row.created_at_us, row.id))?;
            let item = NewItem::new(row.content);
            let item = item.with_created_at(&place.created_at()).with_id(place.id());
            Ok((row.user, item))
        });
        Ok(self.streams.bulk_add(rows.collect::<Result<Vec<_>>>()?).await?)
    }

    async fn remove(&self, users: &[i64], item: (i64, i64)) -> Result<u64> {
        Ok(self.streams.remove_stream_item(users, cursor(item)?).await?)
    }
}

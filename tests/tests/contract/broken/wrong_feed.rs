//! A feed of the memory backend that is wrong, or of which one operation is.

use std::sync::Arc;

use user_streams_core::{
    Delivery, Result, StreamItem, UserId, UserIdKind,
    backend::{
        AddStreamItem, Backend, BulkAdd, Capabilities, Capability, CountNewer, CountQuery,
        DeleteRange, DeleteStream, ListUsers, RemoveStreamItem, StreamQuery, UsersPage,
        async_trait,
    },
};

use super::wrong::{Wrong, WrongBackend, with_id};

/// A feed of a wrong backend.
#[derive(Debug)]
pub(super) struct WrongFeed {
    main: WrongBackend,
    feed: Arc<dyn Backend>,
}

impl WrongFeed {
    pub(super) fn new(main: WrongBackend, feed: Arc<dyn Backend>) -> Self {
        Self { main, feed }
    }

    /// Whose stream it is taken for.
    fn user(&self, user: UserId) -> UserId {
        match user {
            UserId::Text(id) if self.main.is(Wrong::FeedFoldsTextIds) => {
                UserId::Text(id.trim_end().to_lowercase())
            }
            user => user,
        }
    }
}

#[async_trait]
impl Backend for WrongFeed {
    fn capabilities(&self) -> Capabilities {
        let mut all = self.feed.capabilities().with(Capability::Durable);
        if !self.main.capabilities().has(Capability::GetMerged) {
            all = all.without(Capability::GetMerged);
        }
        let none = || Capabilities::new(all.backend(), all.user_id());
        if self.main.is(Wrong::FeedWithoutOptions) { none() } else { all }
    }

    fn inner(&self) -> Option<&dyn Backend> {
        Some(&self.feed)
    }

    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery> {
        let kind = self.feed.capabilities().user_id();
        let (recipients, item, _) = args.into_parts();
        let mut chunks = recipients.into_chunks("wrong", kind, 1_000)?;
        let mut users = Vec::new();
        while let Some(chunk) = chunks.next().await? {
            users.extend(chunk.users.into_iter().map(|user| self.user(user)));
        }
        let (place, number) = (item.cursor(), users.len() as u64);
        if item.content().is_empty() && self.main.is(Wrong::FeedStoresNoEmptyContent) {
            return Ok(Delivery::new(place, number));
        }
        let delivery = self.feed.add_stream_item(AddStreamItem::new(users, item)?).await?;
        match self.main.is(Wrong::FeedDeliversAgain) {
            true => Ok(Delivery::new(place, number)),
            false => Ok(delivery),
        }
    }

    async fn get_stream_items(&self, mut query: StreamQuery) -> Result<Vec<StreamItem>> {
        query.user = self.user(query.user);
        self.feed.get_stream_items(query).await
    }

    async fn count_stream_items(&self, query: CountQuery) -> Result<u64> {
        self.feed.count_stream_items(CountQuery::new(self.user(query.user))).await
    }

    async fn count_newer(&self, query: CountNewer) -> Result<u64> {
        if self.main.is(Wrong::FeedCountsAllAsNewer) {
            let all = CountQuery::new(query.user);
            return Ok(self.feed.count_stream_items(all).await?.min(query.limit));
        }
        self.feed.count_newer(query).await
    }

    async fn remove_stream_item(&self, args: RemoveStreamItem) -> Result<u64> {
        match self.main.is(Wrong::FeedRemovesNothing) {
            true => Ok(0),
            false => self.feed.remove_stream_item(args).await,
        }
    }

    async fn delete_stream(&self, args: DeleteStream) -> Result<u64> {
        if self.main.is(Wrong::FeedDeletesEverywhere) {
            self.main.delete_stream(args.clone()).await?;
        }
        match self.main.is(Wrong::FeedDeletesNothing) {
            true => Ok(0),
            false => self.feed.delete_stream(args).await,
        }
    }

    async fn delete_range(&self, mut args: DeleteRange) -> Result<u64> {
        if self.main.is(Wrong::FeedRangeTakesItsPlaces) {
            args.older_than = args.older_than.map(|place| with_id(place, i64::MAX));
        }
        if self.main.is(Wrong::FeedRangeTakesTheStream) {
            args = DeleteRange::new(args.user);
        }
        match self.main.is(Wrong::FeedRangeDeletesNothing) {
            true => Ok(0),
            false => self.feed.delete_range(args).await,
        }
    }

    async fn list_users(&self, query: ListUsers) -> Result<UsersPage> {
        let is_text = self.feed.capabilities().user_id() == UserIdKind::Text;
        match self.main.is(Wrong::FeedListsNoTextIds) && is_text {
            true => Ok(UsersPage::new(Vec::new(), None)),
            false => self.feed.list_users(query).await,
        }
    }

    async fn bulk_add(&self, args: BulkAdd) -> Result<u64> {
        if !self.main.is(Wrong::FeedBulkIsCutOff) {
            return self.feed.bulk_add(args).await;
        }
        let mut rows = args.into_rows();
        rows.truncate(100);
        self.feed.bulk_add(BulkAdd::new(rows)?).await
    }
}

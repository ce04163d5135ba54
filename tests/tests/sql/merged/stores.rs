//! A backend with feeds of two kinds of ids.

use std::sync::Arc;

use user_streams_core::{
    Name, NewItem, StreamItem, UserId, UserIdKind,
    backend::{Backend, BulkAdd, MergedPart, MergedQuery, Position},
};

/// Feeds of the ids of the main streams, and feeds of texts.
pub(crate) const FEEDS: [(&str, UserIdKind); 3] =
    [("news", UserIdKind::BigInt), ("teams", UserIdKind::Text), ("retracted", UserIdKind::Text)];

/// The main streams, and the feeds by name.
pub(crate) struct Stores<'a> {
    pub(crate) main: &'a dyn Backend,
    feeds: Vec<(Name, Arc<dyn Backend>)>,
}

impl<'a> Stores<'a> {
    /// The feeds are migrated.
    pub(crate) async fn new(main: &'a dyn Backend) -> Self {
        let mut feeds = Vec::new();
        for (name, kind) in FEEDS {
            let name: Name = name.parse().unwrap();
            let feed = main.feed(&name, kind).unwrap();
            feed.migrate().await.unwrap();
            feeds.push((name, feed));
        }
        Self { main, feeds }
    }

    /// Of a feed, or of the main streams for `main`.
    fn store(&self, name: &str) -> &dyn Backend {
        let feed = self.feeds.iter().find(|(feed, _)| feed.as_str() == name);
        feed.map_or(self.main, |(_, feed)| &**feed)
    }

    pub(crate) async fn add(&self, store: &str, user: impl Into<UserId>, items: &[NewItem]) {
        let user = user.into();
        let rows = items.iter().map(|item| (user.clone(), item.clone())).collect();
        self.store(store).bulk_add(BulkAdd::new(rows).unwrap()).await.unwrap();
    }

    pub(crate) async fn read(&self, query: &MergedQuery) -> Vec<StreamItem> {
        let read = self.main.get_merged(query.clone()).await;
        read.unwrap_or_else(|error| panic!("{query:?}: {error:?}"))
    }

    /// The contents of the first items.
    pub(crate) async fn contents(&self, parts: &[MergedPart], limit: u64) -> Vec<String> {
        contents(&self.read(&MergedQuery::new(parts.to_vec(), limit)).await)
    }

    /// All items by pages of this size, from the newest on and back again.
    pub(crate) async fn walk(&self, query: &MergedQuery, size: u64) -> [Vec<StreamItem>; 2] {
        let page = |position| {
            let mut page = query.clone().with_position(position);
            page.limit = size;
            page
        };
        let (mut there, mut position) = (Vec::new(), Position::Offset(0));
        loop {
            let items = self.read(&page(position)).await;
            there.extend(items.iter().cloned());
            match items.last() {
                Some(last) if items.len() as u64 == size => {
                    position = Position::After(last.cursor());
                }
                _ => break,
            }
        }
        let mut back: Vec<StreamItem> = there.last().cloned().into_iter().collect();
        while let Some(first) = back.first() {
            let items = self.read(&page(Position::Before(first.cursor()))).await;
            let is_end = (items.len() as u64) < size;
            back.splice(..0, items);
            if is_end {
                break;
            }
        }
        [there, back]
    }
}

pub(crate) fn contents(items: &[StreamItem]) -> Vec<String> {
    items.iter().map(|item| item.content.clone()).collect()
}

/// A stream of a feed, or of the main ones for `main`.
pub(crate) fn part(store: &str, user: impl Into<UserId>) -> MergedPart {
    let feed = (store != "main").then(|| store.parse().unwrap());
    MergedPart::new(feed, user.into())
}

//! Numbered pages, with the contract of [Django's
//! `Paginator`](https://docs.djangoproject.com/en/stable/ref/paginator/).

use std::ops::RangeInclusive;

use futures_core::stream::Stream;
use futures_util::stream;
use tokio::sync::OnceCell;

use crate::{
    Error, ErrorKind, Page, PageLink, PageNumber, Result, StreamItems, stream::page_links::elide,
};

/// Cuts a stream, or a slice of one, into numbered pages. Page 1 has the newest items.
///
/// The number of items is counted once, at first need, and kept: make a paginator for each request.
/// For long feeds a [`cursor_page`](StreamItems::cursor_page) is faster, and steady while items are
/// added.
///
/// ```
/// # use user_streams_core::{MemoryBackend, Paginator, Streams};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # let streams = Streams::from_backend(MemoryBackend::default());
/// # for n in 0..25 { streams.add_stream_item(42, "item").await?; }
/// let paginator = Paginator::new(streams.get_stream_items(42), 10);
/// let page = paginator.page(3).await?;
/// assert_eq!((page.len(), page.start_index(), page.has_next()), (5, 21, false));
/// let lenient = paginator.get_page("no number").await?;
/// assert_eq!(lenient.number(), 1);
/// # Ok::<(), user_streams_core::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Paginator {
    items: StreamItems,
    per_page: usize,
    orphans: usize,
    allow_empty_first_page: bool,
    count: OnceCell<usize>,
}

impl Paginator {
    /// Pages of `per_page` items.
    pub fn new(items: StreamItems, per_page: usize) -> Self {
        Self { items, per_page, orphans: 0, allow_empty_first_page: true, count: OnceCell::new() }
    }

    /// If the last page would have this many items or fewer, they are added to the page before it.
    /// 0 by default; less than a page has.
    #[must_use]
    pub fn with_orphans(mut self, orphans: usize) -> Self {
        self.orphans = orphans;
        self
    }

    /// Whether an empty stream has one, empty page; else it has none. True by default.
    #[must_use]
    pub fn with_allow_empty_first_page(mut self, allow: bool) -> Self {
        self.allow_empty_first_page = allow;
        self
    }

    /// The number of items on all pages, counted once.
    ///
    /// # Errors
    /// Those of [`StreamItems::count`].
    pub async fn count(&self) -> Result<usize> {
        self.count.get_or_try_init(|| self.items.count()).await.copied()
    }

    /// The number of pages.
    ///
    /// # Errors
    /// `InvalidArgument` if a page is to have 0 items, or no more than there may be orphans; else
    /// those of [`count`](Self::count).
    pub async fn num_pages(&self) -> Result<usize> {
        let invalid = |message| Err(Error::new(ErrorKind::InvalidArgument, message));
        if self.per_page == 0 {
            return invalid("a page of 0 items: give `Paginator::new` 1 or more per page");
        }
        if self.orphans >= self.per_page {
            return invalid("as many orphans as a page has items, or more: give fewer");
        }
        let count = self.count().await?;
        if count == 0 && !self.allow_empty_first_page {
            return Ok(0);
        }
        Ok(count.saturating_sub(self.orphans).max(1).div_ceil(self.per_page))
    }

    /// The numbers of the pages, from 1.
    ///
    /// # Errors
    /// Those of [`num_pages`](Self::num_pages).
    pub async fn page_range(&self) -> Result<RangeInclusive<usize>> {
        Ok(1..=self.num_pages().await?)
    }

    /// The numbers to show in a page bar around page `number`, with an ellipsis for each gap: by
    /// default 3 on each side of it (`on_each_side`) and 2 at either end (`on_ends`).
    ///
    /// # Errors
    /// Those of [`page`](Self::page).
    pub async fn elided_page_range(
        &self,
        number: impl PageNumber,
        on_each_side: usize,
        on_ends: usize,
    ) -> Result<Vec<PageLink>> {
        let number = self.validate(number.page_number()?).await?;
        Ok(elide(number, self.num_pages().await?, on_each_side, on_ends))
    }

    /// The page of that number, from 1.
    ///
    /// # Errors
    /// `PageNotAnInteger` for a text that is not an integer; `EmptyPage` for a number below 1 or
    /// past the last page; else those of [`num_pages`](Self::num_pages) and of every read.
    pub async fn page(&self, number: impl PageNumber) -> Result<Page> {
        let number = self.validate(number.page_number()?).await?;
        self.read(number).await
    }

    /// The page of that number, leniently: what is not an integer is page 1; what is no page is the
    /// last one.
    ///
    /// # Errors
    /// `EmptyPage` only if there is no page at all (an empty stream without
    /// `allow_empty_first_page`); else those of [`page`](Self::page).
    pub async fn get_page(&self, number: impl PageNumber) -> Result<Page> {
        let number = number.page_number().unwrap_or(1);
        match self.validate(number).await {
            Err(error) if error.kind() == ErrorKind::EmptyPage => match self.num_pages().await? {
                0 => Err(error),
                last => self.read(last).await,
            },
            number => self.read(number?).await,
        }
    }

    /// Every page, from 1 on, each read when it is asked for.
    pub fn pages(&self) -> impl Stream<Item = Result<Page>> + Send + '_ {
        stream::try_unfold(1, move |number| async move {
            let more = number <= self.num_pages().await?;
            Ok(if more { Some((self.read(number).await?, number + 1)) } else { None })
        })
    }

    async fn validate(&self, number: i64) -> Result<usize> {
        let empty = |message| Err(Error::new(ErrorKind::EmptyPage, message));
        let num_pages = self.num_pages().await?;
        match usize::try_from(number) {
            Err(_) | Ok(0) if number < 1 => empty(format!("page {number} is less than 1")),
            Ok(number) if number <= num_pages => Ok(number),
            _ => empty(format!("page {number} contains no results: the last page is {num_pages}")),
        }
    }

    async fn read(&self, number: usize) -> Result<Page> {
        let (count, num_pages) = (self.count().await?, self.num_pages().await?);
        let bottom = (number - 1) * self.per_page;
        let top = if number == num_pages { count } else { bottom + self.per_page };
        let object_list = self.items.slice(bottom..top).await?;
        Ok(Page { object_list, number, num_pages, count, per_page: self.per_page })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;

    use super::*;
    use crate::{MemoryBackend, Streams};

    async fn items(count: usize) -> StreamItems {
        let streams = Streams::from_backend(MemoryBackend::default());
        for n in 0..count {
            streams.add_stream_item(1, n.to_string()).await.unwrap();
        }
        streams.get_stream_items(1)
    }

    #[tokio::test]
    async fn all_pages_come_one_by_one() {
        for (count, lengths) in [(0, vec![0]), (4, vec![2, 2]), (5, vec![2, 2, 1])] {
            let paginator = Paginator::new(items(count).await, 2);
            let pages: Vec<_> = paginator.pages().try_collect().await.unwrap();
            assert_eq!(pages.iter().map(Page::len).collect::<Vec<_>>(), lengths);
        }
        let page = Paginator::new(items(5).await, 2).page(2).await.unwrap();
        assert_eq!((page[0].content.as_str(), page.get(2)), ("2", None));
    }

    #[tokio::test]
    async fn orphans_must_be_fewer_than_a_page_has_items() {
        let paginator = Paginator::new(items(5).await, 2).with_orphans(2);
        assert_eq!(paginator.page(1).await.unwrap_err().kind(), ErrorKind::InvalidArgument);
        let page = Paginator::new(items(5).await, 2).with_orphans(1).page(2).await.unwrap();
        assert_eq!(page.len(), 3);
    }
}

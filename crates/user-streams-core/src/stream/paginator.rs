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
/// A page is one query, for one item more than it has, which tells whether another page follows:
/// it needs no count. What says how many pages there are does, [`num_pages`](Self::num_pages), a
/// [page bar](Self::elided_page_range) and [`get_page`](Self::get_page) past the end: the items are
/// counted once, at first need, and the number is kept, so make a paginator for each request. Where
/// streams are long, [count up to a limit](Self::with_count_up_to).
///
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
/// assert_eq!((paginator.count().await?, paginator.num_pages().await?), (25, 3));
/// # Ok::<(), user_streams_core::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Paginator {
    items: StreamItems,
    per_page: usize,
    orphans: usize,
    allow_empty_first_page: bool,
    count_up_to: usize,
    count: OnceCell<usize>,
}

impl Paginator {
    /// Pages of `per_page` items.
    pub fn new(items: StreamItems, per_page: usize) -> Self {
        Self {
            items,
            per_page,
            orphans: 0,
            allow_empty_first_page: true,
            count_up_to: usize::MAX,
            count: OnceCell::new(),
        }
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

    /// Counts no further than so many items, whatever there are, so that a count costs no more than
    /// that. Pages that follow can be read all the same, each from the one before it.
    ///
    /// ```
    /// # use user_streams_core::{MemoryBackend, PageLink::{Ellipsis, Page}, Paginator, Streams};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// # let streams = Streams::from_backend(MemoryBackend::default());
    /// # for n in 0..25 { streams.add_stream_item(42, "item").await?; }
    /// let paginator = Paginator::new(streams.get_stream_items(42), 2).with_count_up_to(12);
    /// assert_eq!((paginator.count().await?, paginator.num_pages().await?), (12, 6));
    /// assert!(paginator.page(6).await?.has_next());
    /// let bar = paginator.elided_page_range(9, 1, 1).await?;
    /// assert_eq!(bar, [Page(1), Ellipsis, Page(8), Page(9)]);
    /// # Ok::<(), user_streams_core::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn with_count_up_to(mut self, limit: usize) -> Self {
        self.count_up_to = limit;
        self
    }

    /// The number of items on all pages, or on those that are [counted](Self::with_count_up_to).
    ///
    /// # Errors
    /// Those of [`StreamItems::count`].
    pub async fn count(&self) -> Result<usize> {
        let counted = || async { self.items.slice(..self.count_up_to).count().await };
        self.count.get_or_try_init(counted).await.copied()
    }

    /// The number of pages, or of those that are [counted](Self::with_count_up_to).
    ///
    /// # Errors
    /// `InvalidArgument` if a page is to have 0 items, or no more than there may be orphans; else
    /// those of [`count`](Self::count).
    pub async fn num_pages(&self) -> Result<usize> {
        self.check()?;
        let count = self.count().await?;
        if count == 0 && !self.allow_empty_first_page {
            return Ok(0);
        }
        Ok(count.saturating_sub(self.orphans).max(1).div_ceil(self.per_page))
    }

    /// The numbers of the pages, from 1, or of those that are [counted](Self::with_count_up_to).
    ///
    /// # Errors
    /// Those of [`num_pages`](Self::num_pages).
    pub async fn page_range(&self) -> Result<RangeInclusive<usize>> {
        Ok(1..=self.num_pages().await?)
    }

    /// The numbers to show in a page bar around page `number`, with an ellipsis for each gap: by
    /// default 3 on each side of it (`on_each_side`) and 2 at either end (`on_ends`). The bar of a
    /// page beyond what is [counted](Self::with_count_up_to) ends with that page.
    ///
    /// # Errors
    /// Those of [`page`](Self::page).
    pub async fn elided_page_range(
        &self,
        number: impl PageNumber,
        on_each_side: usize,
        on_ends: usize,
    ) -> Result<Vec<PageLink>> {
        let number = positive(number.page_number()?)?;
        let mut num_pages = self.num_pages().await?;
        if number > num_pages {
            if self.count().await? < self.count_up_to {
                return Err(no_results(number));
            }
            num_pages = number;
        }
        Ok(elide(number, num_pages, on_each_side, on_ends))
    }

    /// The page of that number, from 1.
    ///
    /// # Errors
    /// `PageNotAnInteger` for a text that is not an integer; `EmptyPage` for a number below 1 or
    /// past the last page; `InvalidArgument` if a page is to have 0 items, or no more than there
    /// may be orphans; else those of every read.
    pub async fn page(&self, number: impl PageNumber) -> Result<Page> {
        self.check()?;
        let number = positive(number.page_number()?)?;
        self.find(number).await?.ok_or_else(|| no_results(number))
    }

    /// The page of that number, leniently: what is not an integer is page 1; what is no page is the
    /// last one, or the last one that is [counted](Self::with_count_up_to).
    ///
    /// # Errors
    /// `EmptyPage` only if there is no page at all (an empty stream without
    /// `allow_empty_first_page`); else those of [`page`](Self::page).
    pub async fn get_page(&self, number: impl PageNumber) -> Result<Page> {
        self.check()?;
        if let Ok(number) = positive(number.page_number().unwrap_or(1))
            && let Some(page) = self.find(number).await?
        {
            return Ok(page);
        }
        match self.num_pages().await? {
            0 => Err(no_results(1)),
            last => self.read(last).await,
        }
    }

    /// Every page, from 1 on, each read when it is asked for.
    pub fn pages(&self) -> impl Stream<Item = Result<Page>> + Send + '_ {
        stream::try_unfold(Some(1), move |number| async move {
            let Some(number) = number else { return Ok(None) };
            self.check()?;
            let page = self.find(number).await?;
            Ok(page.map(|page| {
                let next = page.has_next().then_some(number + 1);
                (page, next)
            }))
        })
    }

    fn check(&self) -> Result<()> {
        let invalid = |message| Err(Error::new(ErrorKind::InvalidArgument, message));
        if self.per_page == 0 {
            return invalid("a page of 0 items: give `Paginator::new` 1 or more per page");
        }
        if self.orphans >= self.per_page {
            return invalid("as many orphans as a page has items, or more: give fewer");
        }
        Ok(())
    }

    /// The page, if there is one. Orphans alone make none, except the first one.
    async fn find(&self, number: usize) -> Result<Option<Page>> {
        let page = self.read(number).await?;
        let is_there = match number {
            1 => !page.is_empty() || self.allow_empty_first_page,
            _ => page.len() > self.orphans,
        };
        Ok(is_there.then_some(page))
    }

    /// What would be on the page, by one query: if more than orphans are beyond it, a page follows.
    async fn read(&self, number: usize) -> Result<Page> {
        let bottom = (number - 1).saturating_mul(self.per_page);
        let most = self.per_page.saturating_add(self.orphans);
        let end = bottom.saturating_add(most).saturating_add(1);
        let mut object_list = self.items.slice(bottom..end).await?;
        let has_next = object_list.len() > most;
        if has_next {
            object_list.truncate(self.per_page);
        }
        Ok(Page { object_list, number, has_next, per_page: self.per_page })
    }
}

/// The number of a page, of which the first is 1. One too large for `usize` is past the end of
/// every stream all the same.
fn positive(number: i64) -> Result<usize> {
    if number < 1 {
        let message = format!("page {number} is less than 1");
        return Err(Error::new(ErrorKind::EmptyPage, message));
    }
    Ok(number.try_into().unwrap_or(usize::MAX))
}

fn no_results(number: usize) -> Error {
    Error::new(ErrorKind::EmptyPage, format!("page {number} contains no results"))
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

//! Numbered pages, with the contract of [Django's
//! `Paginator`](https://docs.djangoproject.com/en/stable/ref/paginator/).

use std::ops::RangeInclusive;

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
    /// 0 by default.
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
    /// `InvalidArgument` if a page is to have 0 items; else those of [`count`](Self::count).
    pub async fn num_pages(&self) -> Result<usize> {
        if self.per_page == 0 {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "a page of 0 items: give `Paginator::new` 1 or more per page",
            ));
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

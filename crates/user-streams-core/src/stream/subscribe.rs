//! Items as they come.

use std::{
    collections::{BTreeSet, VecDeque},
    future::pending,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use chrono::Utc;
use futures_core::stream::BoxStream;
use futures_util::{
    StreamExt,
    future::{Either, select},
    stream,
};

use crate::{
    Cursor, Error, ErrorKind, Result, StreamItem, StreamItems,
    backend::Position,
    handle::Handle,
    live::{News, Registration, Signal, pause},
    observe::Operation,
    stream::{part::CHUNK, reader::Reader, view::View},
    time,
};

impl StreamItems {
    /// The items that come into this stream once this has begun, oldest first, without end: when
    /// it is polled first it looks at what there is, which it does not give. What is merged, hidden
    /// and bounded is as in every read. At once where the backend tells
    /// ([`live`](crate::Settings::with_live)), or where this process adds; else it is asked every
    /// [`poll_interval`](crate::Settings::with_poll_interval). It is polled within a tokio runtime.
    ///
    /// Nothing is missed that is stored no later than
    /// [`lateness`](crate::Settings::with_lateness) after its timestamp, also while the storage
    /// cannot be reached: that is waited for. An item may come twice, with the same id.
    ///
    /// ```
    /// # use user_streams_core::{MemoryBackend, Streams};
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    /// # runtime.unwrap().block_on(async {
    /// use futures_util::StreamExt;
    ///
    /// # let streams = Streams::from_backend(MemoryBackend::default());
    /// # streams.add_stream_item(42, "before").await?;
    /// let items = streams.get_stream_items(42);
    /// // What is there is shown first; what has come since then follows.
    /// let page = items.cursor_page(20).await?;
    /// let mut live = match page.items.first() {
    ///     Some(newest) => items.subscribe_after(newest.cursor()),
    ///     None => items.subscribe(),
    /// };
    /// streams.add_stream_item(42, "Hello").await?;
    /// assert_eq!(live.next().await.expect("it has no end")?.content, "Hello");
    /// # Ok::<(), user_streams_core::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// One that no retry can mend ends it, such as those of [`count`](Self::count);
    /// `InvalidArgument` for a slice.
    pub fn subscribe(&self) -> BoxStream<'static, Result<StreamItem>> {
        Subscription::new(self, None).into_stream()
    }

    /// The same from a place on, such as the newest item of a page, or the last one that a client
    /// has received before its connection was lost. What is up to
    /// [`lateness`](crate::Settings::with_lateness) older than the place comes too, since it may
    /// have been stored later.
    pub fn subscribe_after(&self, place: Cursor) -> BoxStream<'static, Result<StreamItem>> {
        Subscription::new(self, Some(place)).into_stream()
    }
}

struct Subscription {
    reader: Reader,
    is_whole: bool,
    after: Option<Cursor>,
    signal: Arc<Signal>,
    registration: Option<Registration>,
    /// What is newer than this and has come is known.
    horizon: Cursor,
    known: BTreeSet<Cursor>,
    /// From here on is read what is not known.
    behind: Option<Cursor>,
    /// What has been told and not been read yet.
    news: News,
    /// When a hidden item comes, in microseconds.
    due_us: Option<i64>,
    /// What is to be given, oldest first.
    queue: VecDeque<StreamItem>,
    failures: u32,
}

impl Subscription {
    fn new(items: &StreamItems, after: Option<Cursor>) -> Self {
        Self {
            reader: items.reader().clone(),
            is_whole: items.is_whole(),
            after,
            signal: Arc::default(),
            registration: None,
            horizon: Cursor::FIRST,
            known: BTreeSet::new(),
            behind: None,
            news: News::default(),
            due_us: None,
            queue: VecDeque::new(),
            failures: 0,
        }
    }

    fn into_stream(self) -> BoxStream<'static, Result<StreamItem>> {
        let items = stream::unfold(Some(self), |subscription| async move {
            let mut subscription = subscription?;
            match subscription.next().await {
                Ok(item) => Some((Ok(item), Some(subscription))),
                Err(error) => Some((Err(error), None)),
            }
        });
        items.boxed()
    }

    async fn next(&mut self) -> Result<StreamItem> {
        loop {
            if let Some(item) = self.queue.pop_front() {
                return Ok(item);
            }
            let handle = self.reader.handle()?.clone();
            let news = match self.is_idle() {
                true => self.wait().await,
                false => News::default(),
            };
            self.news.extend(news);
            let step = self.step(&handle);
            match handle.call(Operation::Subscribe).run(step).await {
                Ok(()) => self.failures = 0,
                Err(error) if error.is_retryable() => {
                    self.failures += 1;
                    tokio::time::sleep(pause(self.failures)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether there is nothing to do but to wait.
    fn is_idle(&self) -> bool {
        self.registration.is_some() && self.behind.is_none() && self.news.is_empty()
    }

    /// Waits for news, or until a hidden item comes.
    async fn wait(&mut self) -> News {
        let due = async {
            let Some(due_us) = self.due_us else { return pending().await };
            let left = due_us.saturating_sub(time::micros(&Utc::now()));
            tokio::time::sleep(Duration::from_micros(left.try_into().unwrap_or(0))).await;
            due_us
        };
        match select(pin!(self.signal.taken()), pin!(due)).await {
            Either::Left((news, _)) => news,
            Either::Right((due_us, _)) => {
                self.behind = Some(Cursor::before_instant(due_us));
                News::default()
            }
        }
    }

    /// Reads some of what is to be read. If it fails or is dropped, it can be done again.
    async fn step(&mut self, handle: &Handle) -> Result<()> {
        if !self.is_whole {
            let message = "what comes is of a whole stream, not of a slice: call `subscribe` on \
                           the unsliced items";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let now_us = time::micros(&Utc::now());
        let view = self.reader.view(handle).await?;
        if self.registration.is_none() {
            return self.begin(handle, &view, now_us).await;
        }
        handle.live.ensure_running();
        let is_told = !self.news.is_empty();
        if self.news.anything {
            self.behind =
                self.behind.map_or(Some(self.horizon), |place| Some(place.min(self.horizon)));
        }
        let mut found = self.read_news(&view).await?;
        let mut behind = None;
        if let Some(place) = self.behind {
            let items = view.read(Position::Before(place), CHUNK).await?;
            behind = items.first().filter(|_| items.len() as u64 == CHUNK).map(StreamItem::cursor);
            found.extend(items);
        }
        if handle.retention.hide_future {
            self.due_us = view.next_to_come().await?;
        }
        // Nothing is awaited from here on.
        (self.news, self.behind) = (News::default(), behind);
        self.give(handle, found);
        if is_told && self.behind.is_none() && handle.live.is_connected() {
            self.forget(handle, now_us);
        }
        Ok(())
    }

    /// Registers first, and then looks at what there is: what comes in between is told.
    async fn begin(&mut self, handle: &Handle, view: &View, now_us: i64) -> Result<()> {
        let registration = handle.live.register(view.subscribed(), &self.signal);
        self.forget(handle, now_us);
        if let Some(after) = self.after {
            self.known.insert(after);
            let late_us = handle.live.settings().late_us(after.created_at_us());
            self.behind = Some(Cursor::before_instant(late_us));
        } else {
            let mut place = self.horizon;
            loop {
                let items = view.read(Position::Before(place), CHUNK).await?;
                self.known.extend(items.iter().map(StreamItem::cursor));
                match items.first() {
                    Some(newest) if items.len() as u64 == CHUNK => place = newest.cursor(),
                    _ => break,
                }
            }
        }
        if handle.retention.hide_future {
            self.due_us = view.next_to_come().await?;
        }
        self.registration = Some(registration);
        Ok(())
    }

    /// Reads the items of which it was told.
    async fn read_news(&self, view: &View) -> Result<Vec<StreamItem>> {
        let mut found = Vec::new();
        for (number, part) in view.parts.iter().enumerate() {
            let is_new =
                |(of, place): &&(usize, Cursor)| *of == number && !self.known.contains(place);
            let places = self.news.places.iter().filter(is_new).map(|(_, place)| *place).collect();
            found.extend(part.get_all(places).await?);
        }
        let mut found = view.retain(found).await?;
        let shared = self.news.items.iter().filter(|(number, item)| {
            let part = view.parts.iter().nth(*number);
            view.spans(item.cursor()) && part.is_some_and(|part| part.spans(item.cursor()))
        });
        found.extend(shared.map(|(_, item)| StreamItem::clone(item)));
        Ok(found)
    }

    /// Gives what is not known, oldest first.
    fn give(&mut self, handle: &Handle, mut found: Vec<StreamItem>) {
        found.sort_unstable_by_key(StreamItem::cursor);
        found.retain(|item| self.known.insert(item.cursor()));
        self.queue.extend(handle.show(found));
    }

    /// What is older than can still come late, twice over since it may be told late as well, is not
    /// kept.
    fn forget(&mut self, handle: &Handle, now_us: i64) {
        let live = handle.live.settings();
        self.horizon = self.horizon.max(Cursor::before_instant(live.late_us(live.late_us(now_us))));
        self.known = self.known.split_off(&self.horizon);
    }
}

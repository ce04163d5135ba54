//! The backend itself: rows of users and places, and contents that they share.

use std::{
    any::Any,
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Semaphore, task::yield_now, time};
use user_streams_core::{
    AddStreamItem, Backend, Capabilities, CountQuery, Cursor, DeleteStream, Delivery, Error,
    ErrorKind, NewItem, Result, StreamItem, StreamQuery, UserId, UserIdKind, Writes, async_trait,
    time::from_micros,
};

use super::twist::{Adding, Optional, Twist, declare_all};

const NAME: &str = "broken";
const CHUNK: usize = 1_000;
/// How many operations may be under way; a dropped one that leaks its permit is felt after so many.
const PERMITS: usize = 4;

#[derive(Debug, Default)]
struct Rows {
    /// Each in the order of insertion.
    streams: HashMap<UserId, Vec<Cursor>>,
    contents: HashMap<Cursor, String>,
    deleted: HashSet<UserId>,
    closed: bool,
}

/// A connection; all that are made of one share their rows.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    kind: UserIdKind,
    twist: Twist,
    rows: Arc<Mutex<Rows>>,
    permits: Arc<Semaphore>,
    adding: Arc<AtomicU64>,
    migrating: Arc<AtomicU64>,
    migrations: Arc<AtomicU64>,
}

impl Store {
    pub(crate) fn new(kind: UserIdKind, twist: Twist) -> Self {
        let permits = Arc::new(Semaphore::new(PERMITS));
        let (rows, adding, migrating, migrations) = Default::default();
        Self { kind, twist, rows, permits, adding, migrating, migrations }
    }

    /// Another connection to the same rows.
    pub(crate) fn again(&self) -> Self {
        if self.twist.optional == Optional::StoreOfItsOwn {
            Self::new(self.kind, self.twist)
        } else {
            self.clone()
        }
    }

    fn rows(&self) -> Result<MutexGuard<'_, Rows>> {
        let rows = self.rows.lock().expect("no call panics");
        if rows.closed { Err(Error::new(ErrorKind::Connection, "closed")) } else { Ok(rows) }
    }

    fn place(&self, item: &NewItem) -> Cursor {
        let micros = (self.twist.created_at)(item.created_at_us());
        Cursor::new(from_micros(micros).unwrap_or_default(), item.id())
    }

    /// Delivers to those users who have not got the item, and returns how many that were.
    fn deliver(&self, users: &[UserId], item: &NewItem) -> Result<u64> {
        let (twist, place, mut delivered) = (&self.twist, self.place(item), 0);
        let mut rows = self.rows()?;
        if !users.is_empty() {
            Self::keep_content(twist, &mut rows, place, item.content());
        }
        for user in users {
            let user = twist.user.change(user.clone());
            if twist.optional == Optional::DeleteIsForEver && rows.deleted.contains(&user) {
                continue;
            }
            let stream = rows.streams.entry(user).or_default();
            if !stream.iter().rev().any(|known| (twist.same)(known, &place)) {
                stream.push(place);
                delivered += 1;
            }
        }
        Ok(delivered)
    }

    fn keep_content(twist: &Twist, rows: &mut Rows, place: Cursor, content: &str) {
        let content = (twist.content)(content);
        if twist.replaces_content {
            rows.contents.insert(place, content);
        } else {
            rows.contents.entry(place).or_insert(content);
        }
    }

    async fn add(&self, args: AddStreamItem) -> Result<Delivery> {
        let (twist, (recipients, item, mut on_progress)) = (&self.twist, args.into_parts());
        let at = item.cursor();
        let mut chunks = recipients.into_chunks(NAME, self.kind, CHUNK)?;
        if twist.adding == Adding::ContentFirst {
            Self::keep_content(twist, &mut *self.rows()?, self.place(&item), item.content());
        }
        let (mut users, mut named, mut delivered) = (Vec::new(), 0, 0);
        loop {
            let mut chunk = match chunks.next().await {
                Ok(Some(chunk)) => chunk.users,
                Ok(None) => break,
                Err(_) if twist.adding == Adding::UpToAFailure => break,
                Err(error) => return Err(error),
            };
            named += chunk.len();
            match twist.adding {
                Adding::ChunkByChunk => delivered += self.deliver(&chunk, &item)?,
                Adding::FirstChunk if !users.is_empty() => {}
                Adding::AllButOneOfAChunk if chunk.len() == CHUNK => {
                    users.extend_from_slice(&chunk[1..])
                }
                Adding::TwiceAcrossChunks => {
                    chunk.sort_unstable();
                    chunk.dedup();
                    users.append(&mut chunk);
                }
                _ => users.append(&mut chunk),
            }
        }
        delivered += match twist.adding {
            Adding::RefusesNobody if named == 0 => {
                return Err(Error::new(ErrorKind::Recipients, "nobody"));
            }
            Adding::InHalves => {
                let (some, others) = users.split_at(users.len() / 2);
                let first = self.deliver(some, &item)?;
                yield_now().await;
                first + self.deliver(others, &item)?
            }
            Adding::RowsAfterContent => {
                Self::keep_content(twist, &mut *self.rows()?, self.place(&item), item.content());
                yield_now().await;
                self.store_rows(&users, &item)?
            }
            Adding::ReadAndWriteBack => {
                let before = self.rows()?.streams.clone();
                yield_now().await;
                self.rows()?.streams = before;
                self.deliver(&users, &item)?
            }
            Adding::LookAndStore => self.look_and_store(&users, &item).await?,
            Adding::TwiceAcrossChunks | Adding::TwiceIfNamedTwice => {
                self.store_each(&users, &item)?
            }
            Adding::Later => {
                let promised = users.iter().collect::<HashSet<_>>().len() as u64;
                let store = self.clone();
                tokio::spawn(async move {
                    time::sleep(Duration::from_millis(20)).await;
                    store.deliver(&users, &item)
                });
                promised
            }
            _ => self.deliver(&users, &item)?,
        };
        let delivered = (twist.delivered)(named, delivered);
        if let Some(report) = &mut on_progress {
            (twist.progress)(report, delivered);
        }
        Ok(Delivery::new(at, delivered))
    }

    async fn look_and_store(&self, users: &[UserId], item: &NewItem) -> Result<u64> {
        let place = self.place(item);
        let missing = {
            let rows = self.rows()?;
            let has = |user: &&UserId| {
                rows.streams.get(*user).is_some_and(|stream| stream.contains(&place))
            };
            users.iter().filter(|user| !has(user)).cloned().collect::<Vec<_>>()
        };
        yield_now().await;
        self.store_each(&missing, item)
    }

    /// Stores the content, and a row for each name.
    fn store_each(&self, users: &[UserId], item: &NewItem) -> Result<u64> {
        Self::keep_content(&self.twist, &mut *self.rows()?, self.place(item), item.content());
        self.store_rows(users, item)
    }

    fn store_rows(&self, users: &[UserId], item: &NewItem) -> Result<u64> {
        let place = self.place(item);
        let mut rows = self.rows()?;
        for user in users {
            rows.streams.entry(user.clone()).or_default().push(place);
        }
        Ok(users.len() as u64)
    }

    async fn migration(&self) -> Result<()> {
        let others = self.migrating.fetch_add(1, Ordering::SeqCst);
        yield_now().await;
        let before = self.migrations.fetch_add(1, Ordering::SeqCst);
        self.migrating.fetch_sub(1, Ordering::SeqCst);
        match self.twist.optional {
            Optional::MigrateFailsAgain if before > 0 => {
                Err(Error::new(ErrorKind::Backend, "table exists"))
            }
            Optional::MigrateFailsBesideAnother if others > 0 => {
                Err(Error::new(ErrorKind::Backend, "table exists"))
            }
            Optional::MigrateWipes => {
                self.rows()?.streams.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn unsupported(&self, operation: &'static str) -> Result<()> {
        match self.twist.optional {
            Optional::UnsupportedAll => Err(Error::unsupported(NAME, operation)),
            Optional::UnsupportedNamesNothing => {
                Err(Error::unsupported("a backend", "an operation"))
            }
            _ => Ok(()),
        }
    }
}

/// What writes outside of any transaction.
#[derive(Debug)]
struct Alone<'a>(&'a Store);

#[async_trait]
impl Writes for Alone<'_> {
    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery> {
        self.0.add_stream_item(args).await
    }

    async fn delete_stream(&self, args: DeleteStream) -> Result<u64> {
        self.0.delete_stream(args).await
    }
}

#[async_trait]
impl Backend for Store {
    fn capabilities(&self) -> Capabilities {
        let capabilities = Capabilities::new(NAME, self.kind);
        let streams = self.rows.lock().expect("no call panics").streams.len();
        match self.twist.optional {
            // Nothing is declared.
            Optional::UnsupportedNamesNothing | Optional::UndeclaredButWorking => capabilities,
            _ => (self.twist.capabilities)(declare_all(capabilities), streams),
        }
    }

    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery> {
        match self.twist.adding {
            Adding::LeakingALock => {
                let permit = self.permits.acquire().await.expect("never closed");
                permit.forget();
                yield_now().await;
                let added = self.add(args).await;
                self.permits.add_permits(1);
                added
            }
            Adding::Alone => {
                let others = self.adding.fetch_add(1, Ordering::SeqCst);
                yield_now().await;
                let added = match others {
                    0 => self.add(args).await,
                    _ => Err(Error::new(ErrorKind::Backend, "deadlock")),
                };
                self.adding.fetch_sub(1, Ordering::SeqCst);
                added
            }
            _ => self.add(args).await,
        }
        .map_err(self.twist.error)
    }

    async fn get_stream_items(&self, query: StreamQuery) -> Result<Vec<StreamItem>> {
        if self.twist.optional == Optional::ReadsLeakLocks {
            self.permits.acquire().await.expect("never closed").forget();
            yield_now().await;
            self.permits.add_permits(1);
        }
        let rows = self.rows()?;
        let user = self.twist.user.change(query.user.clone());
        let mut places = rows.streams.get(&user).cloned().unwrap_or_default();
        (self.twist.order)(&mut places);
        let item = |place: Cursor| {
            let content = rows.contents.get(&place).cloned().unwrap_or_default();
            (self.twist.shown)(StreamItem::new(place.id(), place.created_at(), content))
        };
        Ok((self.twist.part)(&places, &query)?.into_iter().map(item).collect())
    }

    async fn count_stream_items(&self, query: CountQuery) -> Result<u64> {
        let rows = self.rows()?;
        let all = rows.streams.values().map(Vec::len).sum();
        let places =
            rows.streams.get(&self.twist.user.change(query.user)).map_or(&[][..], Vec::as_slice);
        Ok((self.twist.count)(places, all) as u64)
    }

    async fn migrate(&self) -> Result<()> {
        self.unsupported("migrate")?;
        self.migration().await
    }

    async fn delete_stream(&self, args: DeleteStream) -> Result<u64> {
        self.unsupported("delete_stream")?;
        let mut rows = self.rows()?;
        let user = self.twist.user.change(args.user);
        let deleted = rows.streams.remove(&user).unwrap_or_default();
        match self.twist.optional {
            Optional::DeleteTakesOthers => {
                rows.streams
                    .values_mut()
                    .for_each(|stream| stream.retain(|place| !deleted.contains(place)));
            }
            Optional::DeleteCountsNothing => return Ok(0),
            Optional::DeleteLeavesTheOldest if deleted.len() > 1 => {
                rows.streams.insert(user, deleted[..1].to_vec());
            }
            Optional::DeleteIsForEver => {
                rows.deleted.insert(user);
            }
            Optional::DeleteFailsIfEmpty if deleted.is_empty() => {
                return Err(Error::new(ErrorKind::Backend, "no such stream"));
            }
            _ => {}
        }
        Ok(deleted.len() as u64)
    }

    /// There are no transactions of such a store, so that any type is the wrong one.
    fn in_transaction<'a>(
        &'a self,
        _: &'a (dyn Any + Send + Sync),
    ) -> Result<Box<dyn Writes + 'a>> {
        self.unsupported("in_transaction")?;
        match self.twist.optional {
            Optional::TransactionOfAnyType => Ok(Box::new(Alone(self))),
            _ => Err(Error::new(ErrorKind::InvalidArgument, "this is no transaction")),
        }
    }

    async fn purge(&self) -> Result<u64> {
        self.unsupported("purge")?;
        let mut rows = self.rows()?;
        let used: HashSet<_> = rows.streams.values().flatten().copied().collect();
        let before = rows.contents.len();
        match self.twist.optional {
            Optional::PurgeTakesAll => rows.contents.clear(),
            Optional::PurgeLeavesAll => {}
            _ => rows.contents.retain(|place, _| used.contains(place)),
        }
        let purged = before - rows.contents.len();
        Ok(if self.twist.optional == Optional::PurgeCountsNothing { 0 } else { purged as u64 })
    }

    async fn close(&self) -> Result<()> {
        if self.twist.optional == Optional::CloseClosesAll {
            self.rows()?.closed = true;
        }
        Ok(())
    }
}

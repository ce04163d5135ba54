//! The decorator of the memory backend.

use std::{
    any::Any,
    slice,
    sync::{Arc, PoisonError},
    time::Duration,
};

use tokio::{
    task::{block_in_place, yield_now},
    time::sleep,
};
use user_streams_core::{
    Cursor, Delivery, Error, ErrorKind, Name, NewItem, Result, StreamItem, UserIdKind,
    backend::{
        AddStreamItem, Backend, BulkAdd, Capabilities, CountQuery, DeleteStream, Hints,
        MergedQuery, RepairStream, StreamQuery, Writes, async_trait,
    },
};

use super::{
    store::{Notes, Store},
    twist::{Adding, Optional, declare_all},
};

pub(super) const NAME: &str = "broken";

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
        let capabilities = Capabilities::new(NAME, self.memory.capabilities().user_id());
        match self.twist.optional {
            // Nothing is declared.
            Optional::UnsupportedNamesNothing | Optional::UndeclaredButWorking => capabilities,
            _ => (self.twist.capabilities)(declare_all(capabilities), self.notes().users.len()),
        }
    }

    fn inner(&self) -> Option<&dyn Backend> {
        Some(&self.memory)
    }

    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery> {
        match self.twist.adding {
            Adding::LeakingALock => {
                self.permits.acquire().await.expect("never closed").forget();
                yield_now().await;
                let added = self.add(args).await;
                self.permits.add_permits(1);
                added
            }
            Adding::LockedWhileWaiting => {
                let _permit = self.locked.acquire().await.expect("never closed");
                self.add(args).await
            }
            Adding::Alone => {
                self.notes().adding += 1;
                let is_alone = self.notes().adding == 1;
                yield_now().await;
                let added = if is_alone {
                    self.add(args).await
                } else {
                    Err(Error::new(ErrorKind::Backend, "deadlock"))
                };
                self.notes().adding -= 1;
                added
            }
            Adding::CountsForAll => {
                self.notes().adding += 1;
                yield_now().await;
                let added = self.add(args).await;
                self.notes().adding -= 1;
                let is_alone = self.notes().adding == 0;
                added.map(|it| if is_alone { it } else { Delivery::new(it.item, 1) })
            }
            Adding::AfterTheFirst => self.add_after_the_first(args).await,
            Adding::BlocksInPlace => {
                block_in_place(|| ());
                self.add(args).await
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
        self.check()?;
        let mut places = self.places(&query.user)?;
        (self.twist.order)(&mut places);
        let notes = self.notes();
        let item = |place: Cursor| {
            let content = notes.contents.get(&place).cloned().unwrap_or_default();
            (self.twist.shown)(StreamItem::new(place.id(), place.created_at(), content))
        };
        Ok((self.twist.part)(&places, &query)?.into_iter().map(item).collect())
    }

    async fn count_stream_items(&self, query: CountQuery) -> Result<u64> {
        self.check()?;
        self.notes().counts += 1;
        let all: u64 = self.notes().items.values().map(|(_, streams)| streams).sum();
        Ok((self.twist.count)(&self.places(&query.user)?, all as usize) as u64)
    }

    async fn migrate(&self) -> Result<()> {
        self.unsupported()?;
        self.notes().migrating += 1;
        let is_alone = self.notes().migrating == 1;
        yield_now().await;
        let before = {
            let mut notes = self.notes();
            notes.failure = None;
            notes.migrating -= 1;
            notes.migrations += 1;
            notes.migrations - 1
        };
        let fails = match self.twist.optional {
            Optional::MigrateFailsAgain => before > 0,
            Optional::MigrateFailsBesideAnother => !is_alone,
            Optional::MigrateWipes => {
                let users = self.notes().users.clone();
                users.iter().try_for_each(|user| self.delete_but(user, &[]).map(drop))?;
                false
            }
            _ => false,
        };
        if fails { Err(Error::new(ErrorKind::Backend, "table exists")) } else { Ok(()) }
    }

    async fn delete_stream(&self, args: DeleteStream) -> Result<u64> {
        self.unsupported()?;
        self.check()?;
        let user = args.user;
        let before = self.places(&user)?;
        let mut left: &[Cursor] = &[];
        match self.twist.optional {
            Optional::DeleteLeavesTheOldest if before.len() > 1 => left = &before[..1],
            Optional::DeleteInHalves => {
                self.delete_but(&user, &before[..before.len() / 2])?;
                yield_now().await;
            }
            Optional::DeleteCountsFirst => yield_now().await,
            Optional::DeleteFailsIfEmpty if before.is_empty() => {
                return Err(Error::new(ErrorKind::Backend, "no such stream"));
            }
            _ => {}
        }
        let deleted = self.delete_but(&user, left)?;
        match self.twist.optional {
            Optional::DeleteTakesOthers => {
                let users = self.notes().users.clone();
                for other in users {
                    let mut places = self.places(&other)?;
                    places.retain(|place| !deleted.contains(place));
                    self.delete_but(&other, &places)?;
                }
            }
            Optional::DeleteIsForEver => _ = self.notes().deleted.insert(user),
            Optional::DeleteGoesOn => {
                let store = self.clone();
                tokio::spawn(async move {
                    sleep(Duration::from_millis(20)).await;
                    store.delete_but(&user, &[])
                });
            }
            _ => {}
        }
        Ok(match self.twist.optional {
            Optional::DeleteCountsNothing => 0,
            Optional::DeleteCountsFirst
            | Optional::DeleteInHalves
            | Optional::DeleteLeavesTheOldest => before.len() as u64,
            _ => deleted.len() as u64,
        })
    }

    async fn repair_stream(&self, args: RepairStream) -> Result<u64> {
        self.unsupported()?;
        self.check()?;
        Ok(match self.twist.optional {
            Optional::RepairTakesAll => self.delete_but(&args.user, &[])?.len() as u64,
            Optional::RepairCountsAll => self.places(&args.user)?.len() as u64,
            _ => 0,
        })
    }

    async fn bulk_add(&self, args: BulkAdd) -> Result<u64> {
        self.unsupported()?;
        self.check()?;
        args.into_rows().iter().map(|(user, item)| self.deliver(slice::from_ref(user), item)).sum()
    }

    async fn get_merged(&self, query: MergedQuery) -> Result<Vec<StreamItem>> {
        self.unsupported()?;
        self.check()?;
        self.merged(query).await
    }

    async fn watch(&self) -> Result<Hints> {
        self.unsupported()?;
        self.check()?;
        Ok(self.telling.hints())
    }

    fn feed(&self, name: &Name, user_id: UserIdKind) -> Result<Arc<dyn Backend>> {
        self.unsupported()?;
        let mut feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        let telling = self.telling.of_feed(name);
        let new = || {
            let mut feed = Self::new(user_id, self.twist);
            feed.telling = telling;
            feed
        };
        Ok(Arc::new(feeds.entry(name.clone()).or_insert_with(new).clone()))
    }

    async fn ping(&self) -> Result<()> {
        self.check()?;
        match self.twist.optional {
            Optional::PingFails => Err(Error::new(ErrorKind::Timeout, "no answer")),
            Optional::PingAdds => {
                let users: Vec<_> = self.notes().users.iter().cloned().collect();
                self.store_each(&users, &NewItem::new("ping")).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// There are no transactions of such a store, so that any type is the wrong one.
    fn in_transaction<'a>(
        &'a self,
        _: &'a (dyn Any + Send + Sync),
    ) -> Result<Box<dyn Writes + 'a>> {
        self.unsupported()?;
        match self.twist.optional {
            Optional::TransactionOfAnyType => Ok(Box::new(Alone(self))),
            _ => Err(Error::new(ErrorKind::InvalidArgument, "this is no transaction")),
        }
    }

    async fn purge(&self) -> Result<u64> {
        self.unsupported()?;
        self.check()?;
        let _storing = self.storing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut notes = self.notes();
        let Notes { contents, items, .. } = &mut *notes;
        let before = contents.len();
        match self.twist.optional {
            Optional::PurgeTakesAll => contents.clear(),
            Optional::PurgeLeavesAll => {}
            _ => contents.retain(|place, _| items.get(place).is_some_and(|item| item.1 > 0)),
        }
        let purged = before - contents.len();
        Ok(if self.twist.optional == Optional::PurgeCountsNothing { 0 } else { purged as u64 })
    }

    async fn close(&self) -> Result<()> {
        if self.twist.optional == Optional::CloseClosesAll {
            self.notes().failure = Some(ErrorKind::Connection);
        }
        Ok(())
    }
}

impl Store {
    fn unsupported(&self) -> Result<()> {
        match self.twist.optional {
            Optional::UnsupportedNamesNothing => {
                Err(Error::unsupported("a backend", "an operation"))
            }
            _ => Ok(()),
        }
    }
}

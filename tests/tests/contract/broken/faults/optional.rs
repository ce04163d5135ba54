//! Optional operations that do something else, or are declared wrongly.

use std::{
    any::Any,
    collections::HashSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio::{sync::Semaphore, task::yield_now};
use user_streams_core::{
    Cursor, Delivery, Error, ErrorKind, Result, StreamItem, UserId, UserIdKind,
    backend::{
        AddStreamItem, Capabilities, Capability, DeleteStream, StreamQuery, Writes, async_trait,
    },
};

use super::{
    super::twist::{Gathered, Twist, add, gather, twisted},
    Fault, Store, fault,
};

const DECLARED: &[&str] = &[
    "optional::migrate_works_if_declared",
    "optional::delete_stream_works_if_declared",
    "optional::purge_works_if_declared",
    "optional::in_transaction_takes_no_other_type",
];

pub(crate) const FAULTS: &[Fault] = &[
    fault(
        "what is declared is not supported",
        |store| {
            let name = store.capabilities().backend();
            twisted(store, Unsupported { declares: true, name })
        },
        DECLARED,
    ),
    fault(
        "Unsupported names nothing",
        |store| twisted(store, Unsupported { declares: false, name: "a backend" }),
        DECLARED,
    ),
    fault("what is not declared works", |store| twisted(store, Undeclared), DECLARED),
    fault(
        "anything is a transaction",
        |store| twisted(store, AnyTransaction),
        &["optional::in_transaction_takes_no_other_type"],
    ),
    fault(
        "capabilities change",
        |store| twisted(store, Renamed::default()),
        &["optional::capabilities_never_change"],
    ),
    fault(
        "migrating again fails",
        |store| migrating(store, Migrating::FailsAgain),
        &["optional::migrating_again_changes_nothing"],
    ),
    fault(
        "migrating wipes",
        |store| migrating(store, Migrating::Wipes),
        &["optional::migrating_again_changes_nothing", "optional::many_may_migrate_at_once"],
    ),
    fault(
        "migrations that meet fail",
        |store| migrating(store, Migrating::FailsBesideAnother),
        &["optional::many_may_migrate_at_once"],
    ),
    fault(
        "purging takes all content",
        |store| twisted(store, Purges { takes_all: true, ..Default::default() }),
        &["optional::purge_deletes_what_no_stream_has"],
    ),
    fault(
        "purging does nothing",
        |store| twisted(store, Purges::default()),
        &["optional::purge_deletes_what_no_stream_has"],
    ),
    fault(
        "a dropped read keeps its lock",
        |store| twisted(store, LeakingReads(Semaphore::new(4))),
        &["cancellation::reads_that_are_dropped_leave_the_backend_usable"],
    ),
];

/// What is optional answers `Unsupported`, declared or not.
#[derive(Debug)]
struct Unsupported {
    declares: bool,
    name: &'static str,
}

impl Unsupported {
    fn answer<T>(&self, operation: &'static str) -> Result<T> {
        let operation = if self.declares { operation } else { "an operation" };
        Err(Error::unsupported(self.name, operation))
    }
}

#[async_trait]
impl Twist for Unsupported {
    fn capabilities(&self, declared: Capabilities) -> Capabilities {
        if self.declares { declared } else { Undeclared.capabilities(declared) }
    }

    async fn migrate(&self, _: &Store) -> Result<()> {
        self.answer("migrate")
    }

    async fn delete(&self, _: &Store, _: DeleteStream) -> Result<u64> {
        self.answer("delete_stream")
    }

    async fn purge(&self, _: &Store) -> Result<u64> {
        self.answer("purge")
    }

    fn in_transaction<'a>(
        &'a self,
        _: &'a Store,
        _: &'a (dyn Any + Send + Sync),
    ) -> Result<Box<dyn Writes + 'a>> {
        self.answer("in_transaction")
    }
}

/// Declares nothing, and has everything.
#[derive(Debug)]
struct Undeclared;

#[async_trait]
impl Twist for Undeclared {
    fn capabilities(&self, declared: Capabilities) -> Capabilities {
        Capability::ALL.iter().copied().fold(declared, Capabilities::without)
    }
}

/// Writes outside of any transaction, whatever is taken for one.
#[derive(Debug)]
struct AnyTransaction;

impl Twist for AnyTransaction {
    fn in_transaction<'a>(
        &'a self,
        store: &'a Store,
        _: &'a (dyn Any + Send + Sync),
    ) -> Result<Box<dyn Writes + 'a>> {
        Ok(Box::new(Outside(store)))
    }
}

#[derive(Debug)]
struct Outside<'a>(&'a Store);

#[async_trait]
impl Writes for Outside<'_> {
    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery> {
        self.0.add_stream_item(args).await
    }

    async fn delete_stream(&self, args: DeleteStream) -> Result<u64> {
        self.0.delete_stream(args).await
    }
}

/// Has another name after the first add.
#[derive(Debug, Default)]
struct Renamed(AtomicBool);

#[async_trait]
impl Twist for Renamed {
    fn capabilities(&self, declared: Capabilities) -> Capabilities {
        if self.0.load(Ordering::SeqCst) {
            Capabilities::new("renamed", UserIdKind::BigInt)
        } else {
            declared
        }
    }

    async fn add(&self, store: &Store, args: AddStreamItem) -> Result<Delivery> {
        self.0.store(true, Ordering::SeqCst);
        store.add_stream_item(args).await
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Migrating {
    FailsAgain,
    Wipes,
    FailsBesideAnother,
}

#[derive(Debug)]
struct Migrates {
    migrating: Migrating,
    under_way: AtomicU64,
    done: AtomicU64,
    users: Mutex<HashSet<UserId>>,
}

fn migrating(store: Store, migrating: Migrating) -> Store {
    let (under_way, done, users) = Default::default();
    twisted(store, Migrates { migrating, under_way, done, users })
}

#[async_trait]
impl Twist for Migrates {
    async fn add(&self, store: &Store, args: AddStreamItem) -> Result<Delivery> {
        let Gathered { users, item, .. } = gather(store, args).await?;
        self.users.lock().unwrap_or_else(PoisonError::into_inner).extend(users.iter().cloned());
        Ok(Delivery::new(item.cursor(), add(store, users, &item).await?))
    }

    async fn migrate(&self, store: &Store) -> Result<()> {
        let others = self.under_way.fetch_add(1, Ordering::SeqCst);
        yield_now().await;
        let before = self.done.fetch_add(1, Ordering::SeqCst);
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        let failed = match self.migrating {
            Migrating::FailsAgain => before > 0,
            Migrating::FailsBesideAnother => others > 0,
            Migrating::Wipes => {
                let users = self.users.lock().unwrap_or_else(PoisonError::into_inner).clone();
                for user in users {
                    store.delete_stream(DeleteStream::new(user)).await?;
                }
                false
            }
        };
        if failed { Err(Error::new(ErrorKind::Backend, "table exists")) } else { Ok(()) }
    }
}

/// Purges all or nothing.
#[derive(Debug, Default)]
struct Purges {
    takes_all: bool,
    contents: Mutex<HashSet<Cursor>>,
    purged: Mutex<HashSet<Cursor>>,
}

#[async_trait]
impl Twist for Purges {
    async fn add(&self, store: &Store, args: AddStreamItem) -> Result<Delivery> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner).insert(args.item().cursor());
        store.add_stream_item(args).await
    }

    async fn read(&self, store: &Store, query: StreamQuery) -> Result<Vec<StreamItem>> {
        let mut items = store.get_stream_items(query).await?;
        let purged = self.purged.lock().unwrap_or_else(PoisonError::into_inner);
        for item in items.iter_mut().filter(|item| purged.contains(&item.cursor())) {
            item.content.clear();
        }
        Ok(items)
    }

    async fn purge(&self, _: &Store) -> Result<u64> {
        if !self.takes_all {
            return Ok(0);
        }
        let mut contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        let mut purged = self.purged.lock().unwrap_or_else(PoisonError::into_inner);
        let number = contents.len() as u64;
        purged.extend(contents.drain());
        Ok(number)
    }
}

/// Holds a lock that a dropped read never gives back.
#[derive(Debug)]
struct LeakingReads(Semaphore);

#[async_trait]
impl Twist for LeakingReads {
    async fn read(&self, store: &Store, query: StreamQuery) -> Result<Vec<StreamItem>> {
        self.0.acquire().await.expect("never closed").forget();
        yield_now().await;
        self.0.add_permits(1);
        store.get_stream_items(query).await
    }
}

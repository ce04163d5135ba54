//! Adds and broadcasts that deliver to others than they should, or stop half-way.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::{sync::Semaphore, task::yield_now, time};
use user_streams_core::{
    Cursor, Delivery, Error, ErrorKind, NewItem, Result, StreamItem, UserId,
    backend::{AddStreamItem, DeleteStream, StreamQuery, async_trait},
};

use super::{
    super::twist::{CHUNK, Gathered, Twist, add, add_anyway, all_of, gather, new_item, twisted},
    Fault, Store, fault,
};

pub(crate) const FAULTS: &[Fault] = &[
    fault(
        "a broadcast that fails keeps its first half",
        |store| adding(store, Adding::ChunkByChunk),
        &[
            "recipients::a_broadcast_whose_recipients_fail_stores_nothing",
            "bad_input::a_stream_with_a_user_of_another_kind_stores_nothing",
            "cancellation::a_broadcast_that_is_dropped_while_it_waits_stores_nothing",
        ],
    ),
    fault(
        "a failure is taken for the end of the recipients",
        |store| adding(store, Adding::UpToAFailure),
        &[
            "recipients::a_failure_of_the_recipients_is_an_error_of_theirs",
            "recipients::a_failed_broadcast_is_completed_by_a_retry",
            "recipients::a_broadcast_whose_recipients_fail_stores_nothing",
            "bad_input::a_stream_with_a_user_of_another_kind_is_an_error",
            "bad_input::a_stream_with_a_user_of_another_kind_stores_nothing",
        ],
    ),
    fault(
        "only the first chunk is served",
        |store| adding(store, Adding::UpTo(CHUNK)),
        &[
            "recipients::a_broadcast_to_25_000_users_reaches_each_once",
            "recipients::a_failed_broadcast_is_completed_by_a_retry",
            "cancellation::a_broadcast_that_is_dropped_while_it_waits_for_recipients_can_be_retried",
        ],
    ),
    fault(
        "a broadcast ends at 65,535 recipients",
        |store| adding(store, Adding::UpTo(65_535)),
        &["recipients::a_broadcast_to_70_000_users_reaches_each_once"],
    ),
    fault(
        "one of each full chunk is left out",
        |store| adding(store, Adding::AllButOneOfAChunk),
        &[
            "recipients::a_broadcast_to_25_000_users_reaches_each_once",
            "recipients::a_large_retry_reaches_only_who_is_missing",
        ],
    ),
    fault(
        "who is named in two chunks receives it twice",
        |store| adding(store, Adding::TwiceAcrossChunks),
        &["recipients::a_user_named_twice_far_apart_receives_it_once"],
    ),
    fault(
        "who is named twice receives it twice",
        |store| adding(store, Adding::TwiceIfNamedTwice),
        &[
            "recipients::a_user_named_twice_receives_it_once",
            "model::random_operations_agree_with_the_model",
        ],
    ),
    fault(
        "no recipients are an error",
        |store| adding(store, Adding::RefusesNobody),
        &["recipients::no_recipients_are_no_error_and_store_nothing"],
    ),
    fault(
        "a lock is held while a broadcast waits for recipients",
        |store| adding(store, Adding::LockedWhileWaiting),
        &["recipients::a_stream_of_recipients_may_read_and_add_itself"],
    ),
    fault(
        "a broadcast is stored in halves",
        |store| adding(store, Adding::InHalves),
        &["cancellation::a_broadcast_that_is_dropped_at_any_point_is_stored_whole_or_not_at_all"],
    ),
    fault(
        "a broadcast is visible in parts",
        |store| adding(store, Adding::VisibleInParts),
        &["concurrency::a_broadcast_is_seen_by_readers_whole_or_not_at_all"],
    ),
    fault(
        "a dropped add keeps its lock",
        |store| adding(store, Adding::LeakingALock),
        &[
            "cancellation::an_add_that_is_dropped_at_any_point_can_be_retried",
            "cancellation::a_broadcast_that_is_dropped_while_it_waits_stores_nothing",
        ],
    ),
    fault(
        "a stream is read and written back",
        |store| adding(store, Adding::ReadAndWriteBack),
        &[
            "concurrency::sixteen_writers_and_four_readers_lose_and_repeat_nothing",
            "concurrency::overlapping_broadcasts_at_once_all_arrive",
        ],
    ),
    fault(
        "adds that meet fail for good",
        |store| adding(store, Adding::Alone),
        &[
            "concurrency::overlapping_broadcasts_at_once_all_arrive",
            "concurrency::adds_to_different_users_at_once_all_arrive",
        ],
    ),
    fault(
        "an add ends before it has stored anything",
        |store| adding(store, Adding::Later),
        &[
            "delivery::an_item_is_there_when_its_add_has_ended",
            "delivery::a_broadcast_is_the_same_item_for_all",
        ],
    ),
    fault(
        "an item is looked for before it is stored",
        |store| adding(store, Adding::LookAndStore),
        &["identity::retries_at_the_same_time_deliver_once"],
    ),
    fault(
        "an item is looked for right before it is stored",
        |store| adding(store, Adding::LookAndStoreAtOnce),
        &["identity::retries_of_many_threads_at_once_deliver_once"],
    ),
    fault(
        "the content is stored first",
        |store| twisted(store, ContentFirst::default()),
        &[
            "recipients::no_recipients_are_no_error_and_store_nothing",
            "recipients::a_broadcast_that_fails_early_stores_nothing",
            "recipients::a_broadcast_whose_recipients_fail_stores_nothing",
        ],
    ),
    fault(
        "the rows come after the content",
        |store| twisted(store, ContentFirst { purges: true, ..Default::default() }),
        &["optional::purge_takes_nothing_from_an_add_under_way"],
    ),
];

/// How an add goes about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Adding {
    /// Delivers to each chunk as it comes.
    ChunkByChunk,
    /// Takes a failure of the recipients for their end.
    UpToAFailure,
    /// Delivers to so many recipients alone.
    UpTo(usize),
    /// Leaves out the first user of each chunk.
    AllButOneOfAChunk,
    /// Knows within a chunk alone who was named before.
    TwiceAcrossChunks,
    /// Delivers to who is named twice, twice.
    TwiceIfNamedTwice,
    /// Refuses recipients without any.
    RefusesNobody,
    /// Lets no other add begin before it has all recipients.
    LockedWhileWaiting,
    /// Stores half of it, does something else, and then the other half.
    InHalves,
    /// The same in a task that a dropped call does not end.
    VisibleInParts,
    /// Holds a lock that a dropped future never gives back.
    LeakingALock,
    /// Reads each stream, does something else, and writes it back.
    ReadAndWriteBack,
    /// Fails if another add is under way, and says that a retry is no help.
    Alone,
    /// Says that it has ended before it has stored anything.
    Later,
    /// Looks whether the item is known, does something else, and stores it.
    LookAndStore,
    /// The same without giving way to another task of its thread.
    LookAndStoreAtOnce,
}

#[derive(Debug)]
struct Adds {
    adding: Adding,
    under_way: AtomicU64,
    permits: Semaphore,
}

fn adding(store: Store, adding: Adding) -> Store {
    // A dropped call that keeps its permit is felt after so many.
    let permits = if adding == Adding::LockedWhileWaiting { 1 } else { 4 };
    twisted(store, Adds { adding, under_way: AtomicU64::new(0), permits: Semaphore::new(permits) })
}

#[async_trait]
impl Twist for Adds {
    async fn add(&self, store: &Store, args: AddStreamItem) -> Result<Delivery> {
        match self.adding {
            Adding::ChunkByChunk | Adding::UpToAFailure => self.in_chunks(store, args).await,
            Adding::LeakingALock => {
                self.permits.acquire().await.expect("never closed").forget();
                yield_now().await;
                let added = store.add_stream_item(args).await;
                self.permits.add_permits(1);
                added
            }
            Adding::LockedWhileWaiting => {
                let _permit = self.permits.acquire().await.expect("never closed");
                store.add_stream_item(args).await
            }
            Adding::Alone => {
                let others = self.under_way.fetch_add(1, Ordering::SeqCst);
                yield_now().await;
                let added = match others {
                    0 => store.add_stream_item(args).await,
                    _ => Err(Error::new(ErrorKind::Backend, "deadlock")),
                };
                self.under_way.fetch_sub(1, Ordering::SeqCst);
                added
            }
            _ => {
                let Gathered { users, item, on_progress } = gather(store, args).await?;
                let delivered = self.deliver(store, users, &item).await?;
                on_progress.into_iter().for_each(|mut report| report(delivered));
                Ok(Delivery::new(item.cursor(), delivered))
            }
        }
    }
}

impl Adds {
    async fn in_chunks(&self, store: &Store, args: AddStreamItem) -> Result<Delivery> {
        let declared = store.capabilities();
        let (recipients, item, _) = args.into_parts();
        let mut chunks = recipients.into_chunks(declared.backend(), declared.user_id(), CHUNK)?;
        let mut delivered = 0;
        loop {
            match chunks.next().await {
                Ok(Some(chunk)) => delivered += add(store, chunk.users, &item).await?,
                Err(error) if self.adding == Adding::ChunkByChunk => return Err(error),
                Ok(None) | Err(_) => return Ok(Delivery::new(item.cursor(), delivered)),
            }
        }
    }

    async fn deliver(&self, store: &Store, users: Vec<UserId>, item: &NewItem) -> Result<u64> {
        match self.adding {
            Adding::UpTo(most) => add(store, users.into_iter().take(most).collect(), item).await,
            Adding::AllButOneOfAChunk => {
                let served = |chunk: &[UserId]| chunk[usize::from(chunk.len() == CHUNK)..].to_vec();
                add(store, users.chunks(CHUNK).flat_map(served).collect(), item).await
            }
            Adding::TwiceAcrossChunks => {
                let distinct = |chunk: &[UserId]| chunk.iter().cloned().collect::<HashSet<_>>();
                let named: Vec<_> = users.chunks(CHUNK).flat_map(distinct).collect();
                add_anyway(store, &named, item).await
            }
            Adding::TwiceIfNamedTwice => add_anyway(store, &users, item).await,
            Adding::RefusesNobody if users.is_empty() => {
                Err(Error::new(ErrorKind::Recipients, "nobody"))
            }
            Adding::InHalves => in_halves(store, users, item, yield_now()).await,
            Adding::VisibleInParts => {
                let (store, item) = (store.clone(), item.clone());
                let pause = time::sleep(Duration::from_millis(5));
                let parts = async move { in_halves(&store, users, &item, pause).await };
                tokio::spawn(parts).await.expect("no panic")
            }
            Adding::ReadAndWriteBack => {
                let mut delivered = 0;
                for user in users {
                    let mut items = all_of(store, &user).await?;
                    yield_now().await;
                    let known = items.iter().any(|known| known.cursor() == item.cursor());
                    store.delete_stream(DeleteStream::new(user.clone())).await?;
                    if !known {
                        items.push(StreamItem::new(item.id(), item.created_at(), item.content()));
                        delivered += 1;
                    }
                    for item in &items {
                        add(store, vec![user.clone()], &new_item(item)).await?;
                    }
                }
                Ok(delivered)
            }
            Adding::Later => {
                let promised = users.iter().collect::<HashSet<_>>().len() as u64;
                let (store, item) = (store.clone(), item.clone());
                tokio::spawn(async move {
                    time::sleep(Duration::from_millis(20)).await;
                    add(&store, users, &item).await
                });
                Ok(promised)
            }
            Adding::LookAndStore | Adding::LookAndStoreAtOnce => {
                let mut missing = Vec::new();
                for user in users {
                    let items = all_of(store, &user).await?;
                    if !items.iter().any(|known| known.cursor() == item.cursor()) {
                        missing.push(user);
                    }
                }
                match self.adding {
                    Adding::LookAndStore => yield_now().await,
                    _ => thread::yield_now(),
                }
                add_anyway(store, &missing, item).await
            }
            _ => add(store, users, item).await,
        }
    }
}

async fn in_halves(
    store: &Store,
    mut users: Vec<UserId>,
    item: &NewItem,
    pause: impl Future<Output = ()>,
) -> Result<u64> {
    let others = users.split_off(users.len() / 2);
    let first = add(store, users, item).await?;
    pause.await;
    Ok(first + add(store, others, item).await?)
}

/// Stores the content before it knows whether anybody receives it, and then the rows.
#[derive(Debug, Default)]
struct ContentFirst {
    /// Purging takes what has no rows yet.
    purges: bool,
    contents: Mutex<HashMap<Cursor, String>>,
    under_way: Mutex<HashSet<Cursor>>,
}

#[async_trait]
impl Twist for ContentFirst {
    async fn add(&self, store: &Store, args: AddStreamItem) -> Result<Delivery> {
        let (cursor, content) = (args.item().cursor(), args.item().content().to_owned());
        lock(&self.contents).entry(cursor).or_insert(content);
        lock(&self.under_way).insert(cursor);
        yield_now().await;
        let added = store.add_stream_item(args).await;
        lock(&self.under_way).remove(&cursor);
        added
    }

    async fn read(&self, store: &Store, query: StreamQuery) -> Result<Vec<StreamItem>> {
        let mut items = store.get_stream_items(query).await?;
        let contents = lock(&self.contents);
        for item in &mut items {
            item.content = contents.get(&item.cursor()).cloned().unwrap_or_default();
        }
        Ok(items)
    }

    async fn purge(&self, store: &Store) -> Result<u64> {
        if self.purges {
            let mut contents = lock(&self.contents);
            lock(&self.under_way).iter().for_each(|cursor| _ = contents.remove(cursor));
        }
        store.purge().await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

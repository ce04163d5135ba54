//! Deletions of something else, or of a part.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{task::yield_now, time};
use user_streams_core::{
    Delivery, Error, ErrorKind, Result, StreamItem, UserId,
    backend::{AddStreamItem, CountQuery, DeleteStream, async_trait},
};

use super::{
    super::twist::{Gathered, Twist, add, all_of, at_once, gather, new_item, twisted},
    Fault, Store, fault,
};

pub(crate) const FAULTS: &[Fault] = &[
    fault(
        "deleting takes the items of others",
        |store| deleting(store, Deleting::Others),
        &["optional::delete_stream_deletes_one_users_items_and_counts_them"],
    ),
    fault(
        "deleting counts nothing",
        |store| deleting(store, Deleting::CountsNothing),
        &[
            "optional::delete_stream_deletes_one_users_items_and_counts_them",
            "optional::a_deleted_stream_can_be_added_to",
            "optional::deleting_an_empty_stream_deletes_nothing",
            "model::random_operations_agree_with_the_model",
        ],
    ),
    fault(
        "deleting leaves the oldest",
        |store| deleting(store, Deleting::LeavesTheOldest),
        &[
            "optional::delete_stream_deletes_one_users_items_and_counts_them",
            "optional::a_deleted_stream_can_be_added_to",
            "cursors::a_deleted_item_is_still_a_place",
        ],
    ),
    fault(
        "a deleted user is deleted for ever",
        |store| deleting(store, Deleting::ForEver),
        &[
            "optional::a_deleted_stream_can_be_added_to",
            "identity::a_deleted_item_can_be_delivered_again",
        ],
    ),
    fault(
        "deleting nothing fails",
        |store| deleting(store, Deleting::FailsIfEmpty),
        &["optional::deleting_an_empty_stream_deletes_nothing"],
    ),
    fault(
        "deleting counts first, and takes what has come since",
        |store| deleting(store, Deleting::CountsFirst),
        &["concurrency::an_add_beside_a_deletion_is_deleted_and_counted_or_stays"],
    ),
    fault(
        "deleting goes on after it has answered",
        |store| deleting(store, Deleting::GoesOn),
        &["concurrency::an_item_added_after_a_deletion_stays"],
    ),
    fault(
        "a dropped deletion has deleted a part",
        |store| deleting(store, Deleting::InHalves),
        &["cancellation::a_deletion_that_is_dropped_at_any_point_deletes_all_or_nothing"],
    ),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deleting {
    Others,
    CountsNothing,
    LeavesTheOldest,
    ForEver,
    FailsIfEmpty,
    CountsFirst,
    GoesOn,
    InHalves,
}

#[derive(Debug)]
struct Deletes {
    deleting: Deleting,
    /// Those who have items, or had some.
    known: Mutex<HashSet<UserId>>,
    deleted: Mutex<HashSet<UserId>>,
}

fn deleting(store: Store, deleting: Deleting) -> Store {
    twisted(store, Deletes { deleting, known: Mutex::default(), deleted: Mutex::default() })
}

#[async_trait]
impl Twist for Deletes {
    async fn add(&self, store: &Store, args: AddStreamItem) -> Result<Delivery> {
        let Gathered { mut users, item, .. } = gather(store, args).await?;
        if self.deleting == Deleting::ForEver {
            let deleted = self.deleted.lock().unwrap_or_else(PoisonError::into_inner);
            users.retain(|user| !deleted.contains(user));
        }
        self.known.lock().unwrap_or_else(PoisonError::into_inner).extend(users.iter().cloned());
        Ok(Delivery::new(item.cursor(), add(store, users, &item).await?))
    }

    async fn delete(&self, store: &Store, args: DeleteStream) -> Result<u64> {
        let user = args.user.clone();
        let before = all_of(store, &user).await?;
        match self.deleting {
            Deleting::CountsFirst => {
                let count = store.count_stream_items(CountQuery::new(user)).await?;
                yield_now().await;
                store.delete_stream(args).await?;
                return Ok(count);
            }
            Deleting::InHalves => {
                let half = &before[..before.len() / 2];
                let taken = at_once(replace(store, &user, half))? - half.len() as u64;
                yield_now().await;
                return Ok(taken + store.delete_stream(args).await?);
            }
            _ => {}
        }
        let count = store.delete_stream(args).await?;
        match self.deleting {
            Deleting::Others => {
                let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
                for other in known {
                    let mut items = all_of(store, &other).await?;
                    items.retain(|item| !before.contains(item));
                    replace(store, &other, &items).await?;
                }
            }
            Deleting::CountsNothing => return Ok(0),
            Deleting::LeavesTheOldest if count > 1 => {
                replace(store, &user, &before[before.len() - 1..]).await?;
            }
            Deleting::ForEver => {
                self.deleted.lock().unwrap_or_else(PoisonError::into_inner).insert(user);
            }
            Deleting::FailsIfEmpty if count == 0 => {
                return Err(Error::new(ErrorKind::Backend, "no such stream"));
            }
            Deleting::GoesOn => {
                let store = store.clone();
                tokio::spawn(async move {
                    time::sleep(Duration::from_millis(20)).await;
                    store.delete_stream(DeleteStream::new(user)).await
                });
            }
            _ => {}
        }
        Ok(count)
    }
}

/// Deletes a stream, and leaves these items in it; returns how many there were.
async fn replace(store: &Store, user: &UserId, items: &[StreamItem]) -> Result<u64> {
    let deleted = store.delete_stream(DeleteStream::new(user.clone())).await?;
    for item in items {
        add(store, vec![user.clone()], &new_item(item)).await?;
    }
    Ok(deleted)
}

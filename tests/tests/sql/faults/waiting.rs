//! More concurrent calls than a server can answer in time.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use sea_orm::DbBackend;
use user_streams_core::{ErrorKind, NewItem};

use super::{blocker::Blocker, eventually, handles, within};
use crate::database::TestDatabase;

crate::tests![calls_beyond_max_waiting_are_refused_at_once];

const CONNECTIONS: u32 = 2;
const WAITING: usize = 5;
const CALLS: usize = 200;

async fn calls_beyond_max_waiting_are_refused_at_once(database: TestDatabase) {
    let is_sqlite = database.backend() == DbBackend::Sqlite;
    // SQLite has one connection for writes.
    let under_way = if is_sqlite { 1 } else { CONNECTIONS as usize };
    let config = database.config().with_max_waiting(WAITING);
    for handle in handles::handles(&config, CONNECTIONS).await {
        let (name, item) = (handle.name(), NewItem::new("item"));
        // No call is answered while it holds its lock.
        let blocker = match is_sqlite {
            true => Blocker::run(&database, &[]).await,
            false => Blocker::of_deliveries(&database, &handle, &[1], &item).await,
        };
        let refused = AtomicUsize::new(0);
        let adds = (0..CALLS).map(|_| async {
            match handle.streams.add_stream_item([1, 2], item.clone()).await {
                Ok(delivery) => delivery.delivered,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Overloaded, "{name}: {error:?}");
                    assert!(
                        error.is_retryable() && error.message().contains("max_waiting"),
                        "{name}: {error}"
                    );
                    refused.fetch_add(1, Ordering::Relaxed);
                    0
                }
            }
        });
        // Calls also wait for a connection that is being opened.
        let (fewest, most) = (CALLS - under_way - WAITING, CALLS - WAITING);
        let release = async {
            eventually(5.0, name, async || refused.load(Ordering::Relaxed) >= fewest).await;
            blocker.release().await;
        };
        let (delivered, ()) =
            within(20.0, name, async { tokio::join!(join_all(adds), release) }).await;
        assert_eq!(delivered.iter().sum::<u64>(), 2, "{name}");
        let refused = refused.into_inner();
        assert!((fewest..=most).contains(&refused), "{name}: {refused} were refused");
        // No call waits any more.
        assert_eq!(handle.add([1, 2], "after").await, 2, "{name}");
    }
}

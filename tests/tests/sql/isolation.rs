//! What others see: of a broadcast that is being stored, and of the streams in another table.

use std::time::Duration;

use futures_util::{
    future::{join, join_all},
    stream,
};
use tokio::sync::watch;
use user_streams_core::{ErrorKind, NewItem, Recipients, Streams, UserIdKind};

use crate::{
    database::TestDatabase,
    faults::handles::{self, Handle, LAYOUTS, Layout},
};

crate::tests![
    no_statement_of_another_session_sees_a_part_of_a_broadcast,
    what_one_read_has_seen_no_later_read_lacks,
    a_purge_leaves_the_item_that_is_added_again_meanwhile,
    streams_in_other_tables_of_one_database_are_others,
    a_table_name_that_another_backend_uses_is_refused,
    a_table_of_another_kind_of_user_ids_is_refused,
];

/// A statement; COPY on PostgreSQL, or a transaction; two chunks of names.
const SIZES: [usize; 3] = [10, 5_000, 12_000];

/// Another session, in which a statement counts who has the item; or the library's reads in another
/// process.
enum Reader<'a> {
    Statement(&'a TestDatabase, String),
    Reads(&'a Streams),
}

impl Reader<'_> {
    /// How many of these users have the item.
    async fn seen(&self, users: &[String]) -> usize {
        match self {
            Self::Statement(database, from) => {
                let users = users.join("', '");
                let sql = format!("SELECT COUNT(*) FROM {from} WHERE user_id IN ('{users}')");
                database.number(&sql).await as usize
            }
            Self::Reads(streams) => {
                let mut seen = 0;
                for (before, user) in users.iter().enumerate() {
                    seen += streams.get_stream_items(user.as_str()).count().await.unwrap();
                    if seen == 0 {
                        // Two reads are two moments: the next may see what this one did not.
                        return 0;
                    }
                    assert_eq!(seen, before + 1, "one saw the item, and a later read did not");
                }
                seen
            }
        }
    }
}

/// Broadcasts of several sizes, while it is read who has them.
async fn broadcast_beside(handle: &Handle, reader: &Reader<'_>) {
    for size in SIZES {
        for round in 0..3 {
            let users: Vec<_> = (0..size).map(|n| format!("{size} {round} {n}")).collect();
            let watched = [0, size / 2, size - 1].map(|number| users[number].clone());
            let (ended, has_ended) = watch::channel(());
            let add = async {
                let all = Recipients::stream(stream::iter(users));
                assert_eq!(handle.add(all, "to all").await, size as u64, "{}", handle.name());
                drop(ended);
            };
            let read = async {
                while has_ended.has_changed().is_ok() {
                    let seen = reader.seen(&watched).await;
                    let is_whole = seen == 0 || seen == watched.len();
                    assert!(is_whole, "{}: {seen} of 3 of {size} have it", handle.name());
                    // A reader that never pauses keeps a busy machine from the broadcast.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                assert_eq!(reader.seen(&watched).await, watched.len(), "{}", handle.name());
            };
            join(add, read).await;
        }
    }
}

async fn no_statement_of_another_session_sees_a_part_of_a_broadcast(database: TestDatabase) {
    let config = database.config().with_user_id(UserIdKind::Text);
    for handle in handles::handles(&config, 4).await {
        let table = &handle.table;
        let from = match handle.layout {
            Layout::SingleTable => table.clone(),
            Layout::ManyToMany => format!("{table} JOIN {table}_items USING (id, created_at_us)"),
        };
        broadcast_beside(&handle, &Reader::Statement(&database, from)).await;
    }
}

async fn what_one_read_has_seen_no_later_read_lacks(database: TestDatabase) {
    let config = database.config().with_user_id(UserIdKind::Text);
    let readers = handles::own(&config, 4).await;
    for (handle, reader) in handles::own(&config, 4).await.iter().zip(&readers) {
        broadcast_beside(handle, &Reader::Reads(&reader.streams)).await;
    }
}

async fn a_purge_leaves_the_item_that_is_added_again_meanwhile(database: TestDatabase) {
    for handle in handles::handles(&database.config(), 8).await {
        if handle.layout != Layout::ManyToMany {
            continue;
        }
        let mut purged = 0;
        for round in 0..40 {
            // Items that nobody has any more.
            let items: Vec<_> = (0..8).map(|n| NewItem::new(format!("{round}, {n}"))).collect();
            for item in &items {
                handle.add(0, item.clone()).await;
            }
            handle.streams.delete_stream(0).await.unwrap();
            let again = items.iter().enumerate().map(|(n, item)| {
                let (streams, item) = (handle.streams.clone(), item.clone());
                async move {
                    // Spread over the time that a purge takes.
                    tokio::time::sleep(Duration::from_micros(250 * n as u64)).await;
                    streams.add_stream_item([1, 2], item).await.unwrap().delivered
                }
            });
            let (some, delivered) = join(handle.streams.purge(), join_all(again)).await;
            purged += some.unwrap();
            assert_eq!(delivered, [2; 8], "{}", handle.name());
            for user in [1, 2] {
                let stream = handle.streams.get_stream_items(user);
                let (count, read) = (stream.count().await.unwrap(), stream.await.unwrap());
                assert_eq!((count, read.len()), (8, 8), "{}: of {user}", handle.name());
                handle.streams.delete_stream(user).await.unwrap();
            }
            handle.streams.purge().await.unwrap();
        }
        assert!(purged > 0, "{}: no purge has met an item", handle.name());
    }
}

async fn streams_in_other_tables_of_one_database_are_others(database: TestDatabase) {
    let tables = ["inbox", "inbox_2", "news"];
    let mut all: Vec<Streams> = Vec::new();
    for table in tables {
        for layout in LAYOUTS {
            let config = database.config().with_table(match layout {
                Layout::SingleTable => table.to_owned(),
                Layout::ManyToMany => format!("{table}_m"),
            });
            all.push(handles::own_in(layout, config).await.streams);
        }
    }
    // The same item, so that nothing but the table tells the streams apart.
    let item = NewItem::new("the same");
    for (number, streams) in all.iter().enumerate() {
        streams.migrate().await.unwrap();
        for other in &all[..number] {
            assert_eq!(other.get_stream_items(1).count().await.unwrap(), 1);
        }
        assert!(streams.get_stream_items(1).is_empty().await.unwrap());
        let delivery = streams.add_stream_item([1, 2], item.clone()).await.unwrap();
        assert_eq!(delivery.delivered, 2, "the item is new in each table");
    }
    for (number, streams) in all.iter().enumerate() {
        assert_eq!(streams.delete_stream(1).await.unwrap(), 1);
        assert_eq!(streams.delete_stream(2).await.unwrap(), 1);
        match streams.purge().await {
            Ok(purged) => assert_eq!(purged, 1),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}"),
        }
        for (other, streams) in all.iter().enumerate() {
            let left = streams.get_stream_items(1).await.unwrap();
            assert_eq!(left.len(), usize::from(other > number), "{other} after {number}");
        }
    }
}

async fn a_table_name_that_another_backend_uses_is_refused(database: TestDatabase) {
    let config = || database.config();
    let first = handles::own_in(Layout::ManyToMany, config().with_table("inbox")).await.streams;
    first.migrate().await.unwrap();
    first.add_stream_item([1, 2], "in the inbox").await.unwrap();
    for table in ["inbox", "inbox_items", "inbox_migrations", "inbox_identity"] {
        let config = config().with_table(table);
        let other = handles::own_in(Layout::SingleTable, config).await.streams;
        let error = other.migrate().await.expect_err(table);
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Backend, false), "{error:?}");
        other.add_stream_item(1, "elsewhere").await.expect_err(table);
        other.get_stream_items(1).await.expect_err(table);
    }
    let items = first.get_stream_items(1).await.unwrap();
    assert_eq!(items.len(), 1, "{items:?}");
    assert_eq!(items[0].content, "in the inbox");
}

async fn a_table_of_another_kind_of_user_ids_is_refused(database: TestDatabase) {
    for layout in LAYOUTS {
        let config = database.config().with_table(format!("{layout:?}").to_lowercase());
        let integers = handles::own_in(layout, config.clone()).await.streams;
        integers.migrate().await.unwrap();
        integers.add_stream_item([0, 7], "to numbers").await.unwrap();
        let config = config.with_user_id(UserIdKind::Text);
        let texts = handles::own_in(layout, config).await.streams;
        let error = texts.migrate().await.expect_err("a table for integers");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Backend, false), "{error:?}");
        for user in [0, 7] {
            let items = integers.get_stream_items(user).await.unwrap();
            assert_eq!(items.len(), 1, "{layout:?}: {user} has {items:?}");
        }
    }
}

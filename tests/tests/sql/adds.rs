//! Adds to single users that come together.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, DbBackend, TransactionTrait};
use user_streams_core::{ErrorKind, NewItem, Streams, backend::Backend};
use user_streams_many_to_many::ManyToManyBackend;
use user_streams_single_table::{SingleTableBackend, SingleTableConfig};

use crate::{
    database::TestDatabase,
    faults::{eventually, proxy::Proxy},
};

crate::tests![
    what_comes_together_is_stored_together,
    what_cannot_be_stored_fails_alone,
    a_locked_item_holds_up_the_others_for_a_moment_only,
    without_an_answer_nobody_is_told_that_the_user_had_it,
];

const ADDS: i64 = 64;

async fn both(database: &TestDatabase) -> [Streams; 2] {
    let single = database.single_table().await;
    let many = database.many_to_many().await;
    single.migrate().await.unwrap();
    many.migrate().await.unwrap();
    [Streams::from_backend(single), Streams::from_backend(many)]
}

async fn what_comes_together_is_stored_together(database: TestDatabase) {
    let (connection, log) = database.watched().await;
    let single = SingleTableBackend::new(connection.clone(), database.config()).unwrap();
    let many = ManyToManyBackend::new(connection, database.config()).unwrap();
    for backend in [Box::new(single) as Box<dyn Backend>, Box::new(many)] {
        backend.migrate().await.unwrap();
        let streams = Streams::from_backend(backend);
        log.take();
        let adds =
            (0..ADDS).map(|n| streams.add_stream_item(n % 7, format!("item {n}")).into_future());
        for added in join_all(adds).await {
            assert_eq!(added.unwrap().delivered, 1);
        }
        let statements = log.take().len();
        assert!(statements < ADDS as usize / 2, "{statements} statements for {ADDS} adds");
    }
}

async fn what_cannot_be_stored_fails_alone(database: TestDatabase) {
    for streams in both(&database).await {
        let is_many = streams.capabilities().backend() == "many-to-many";
        let known = NewItem::new("known");
        streams.add_stream_item(1, known.clone()).await.unwrap();
        let other = NewItem::new("other").with_id(known.id()).with_created_at(&known.created_at());
        let adds = (0..ADDS).map(|n| {
            let item = if n % 16 == 7 { other.clone() } else { NewItem::new(format!("{n}")) };
            streams.add_stream_item(2, item).into_future()
        });
        let (mut of_other, mut fresh) = (0, 0);
        for (n, added) in join_all(adds).await.into_iter().enumerate() {
            match (n % 16, added) {
                (7, Err(error)) => {
                    assert!(is_many, "{error}");
                    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
                }
                // In a single table each delivery has its own content.
                (7, Ok(delivery)) => of_other += delivery.delivered,
                (_, added) => fresh += added.unwrap().delivered,
            }
        }
        assert_eq!((fresh, of_other), (60, u64::from(!is_many)));
        let count = streams.get_stream_items(2).count().await.unwrap();
        assert_eq!(count as u64, fresh + of_other);
    }
}

/// Somebody else's transaction has the item of one of them.
async fn a_locked_item_holds_up_the_others_for_a_moment_only(database: TestDatabase) {
    if database.backend() == DbBackend::Sqlite {
        // There a transaction that writes holds up everybody.
        return;
    }
    for streams in both(&database).await {
        let (item, table) = (NewItem::new("locked"), streams.capabilities().backend());
        let (at, id) = (item.created_at_us(), item.id());
        let insert = match table {
            "single-table" => format!(
                "INSERT INTO user_streams_single_table (user_id, created_at_us, id, content) \
                 VALUES (1, {at}, {id}, 'locked')"
            ),
            _ => format!(
                "INSERT INTO user_streams_many_to_many_items (created_at_us, id, content) VALUES \
                 ({at}, {id}, 'locked')"
            ),
        };
        let transaction = database.connection.begin().await.unwrap();
        transaction.execute_unprepared(&insert).await.unwrap();
        // Two groups at a time would be held up.
        let locked: Vec<_> = (0..3)
            .map(|_| {
                let (streams, item) = (streams.clone(), item.clone());
                tokio::spawn(async move { streams.add_stream_item(1, item).await })
            })
            .collect();
        let begun = Instant::now();
        let adds = (0..ADDS).map(|n| streams.add_stream_item(2, format!("{n}")).into_future());
        for added in join_all(adds).await {
            assert_eq!(added.unwrap().delivered, 1);
        }
        assert!(begun.elapsed() < Duration::from_secs(4), "{table}: {:?}", begun.elapsed());
        assert!(locked.iter().all(|add| !add.is_finished()), "{table}: nothing was locked");
        transaction.rollback().await.unwrap();
        let mut delivered = 0;
        for add in locked {
            delivered += add.await.unwrap().unwrap().delivered;
        }
        assert_eq!(delivered, 1, "{table}");
    }
}

/// The statement of a group is committed, and its connection is cut before the answer.
async fn without_an_answer_nobody_is_told_that_the_user_had_it(database: TestDatabase) {
    if database.backend() == DbBackend::Sqlite {
        return;
    }
    let proxy = Proxy::before(&database.url).await;
    let config = SingleTableConfig::new(proxy.url());
    let single = SingleTableBackend::connect(config.clone()).await.unwrap();
    let many = ManyToManyBackend::connect(config).await.unwrap();
    single.migrate().await.unwrap();
    many.migrate().await.unwrap();
    let stores = [
        (Streams::from_backend(single), "user_streams_single_table"),
        (Streams::from_backend(many), "user_streams_many_to_many_items"),
    ];
    for (streams, table) in stores {
        if database.backend() == DbBackend::MySql && table.ends_with("_items") {
            // There it is not committed by the statement that has the content.
            continue;
        }
        let items: Vec<_> = (0..ADDS).map(|n| NewItem::new(format!("item {n} of many"))).collect();
        proxy.hold_answers_to("item 50 of many");
        let adds = items.iter().map(|item| streams.add_stream_item(1, item.clone()).into_future());
        let stored = format!("SELECT COUNT(*) FROM {table} WHERE content = 'item 50 of many'");
        let cut = async {
            proxy.held().await;
            eventually(5.0, table.to_owned(), async || database.number(&stored).await == 1).await;
            proxy.cut();
        };
        let (added, ()) = tokio::join!(join_all(adds), cut);
        let (mut failed, mut delivered) = (0, 0);
        for (item, added) in items.into_iter().zip(added) {
            match added {
                Ok(delivery) => {
                    assert_eq!(delivery.delivered, 1, "{table}");
                    delivered += 1;
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Connection, "{table}: {error}");
                    assert!(error.is_retryable(), "{table}: {error}");
                    // A connection that was idle is cut too, which shows when it is used.
                    eventually(5.0, table.to_owned(), async || {
                        streams.add_stream_item(1, item.clone()).await.is_ok()
                    })
                    .await;
                    failed += 1;
                }
            }
        }
        assert!(failed > 1, "{table}: {failed} failed and {delivered} were delivered");
        assert_eq!(streams.get_stream_items(1).count().await.unwrap(), ADDS as usize);
    }
}

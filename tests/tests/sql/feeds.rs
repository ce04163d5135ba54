//! Feeds beside the main streams: their tables, names and foreign keys.

use sea_orm::DbBackend;
use user_streams_core::{
    ErrorKind, Name, Streams, UserIdKind,
    backend::{Backend, Capability, SetMark},
};
use user_streams_single_table::SingleTableBackend;

use crate::{
    database::{TestDatabase, connect},
    faults::handles::{LAYOUTS, Layout, handles, own, own_in},
};

crate::tests![
    a_feed_has_tables_of_its_own,
    names_that_do_not_fit_are_refused,
    the_longest_names_have_all_their_tables,
    a_feed_of_users_has_their_foreign_key_and_one_of_texts_has_none,
    closing_a_feed_closes_nothing,
    a_feed_has_no_feeds,
    a_feed_asked_for_again_has_ids_of_the_same_kind,
    a_feed_is_written_in_the_application_s_transaction,
];

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

async fn a_feed_has_tables_of_its_own(database: TestDatabase) {
    for layout in LAYOUTS {
        let table = format!("{layout:?}").to_lowercase();
        let handle = own_in(layout, database.config().with_table(&table)).await;
        let feed = handle.backend().feed(&name("news"), UserIdKind::Text).unwrap();
        feed.migrate().await.unwrap();
        let suffixes: &[&str] = match layout {
            Layout::SingleTable => &["", "_identity", "_marks", "_migrations"],
            Layout::ManyToMany => &["", "_identity", "_items", "_marks", "_migrations"],
        };
        let made: Vec<_> = suffixes.iter().map(|suffix| format!("{table}__news{suffix}")).collect();
        let mut tables = database.tables().await;
        tables.retain(|made| made.starts_with(&table));
        assert_eq!(tables, made, "the main tables are not made");
    }
}

async fn names_that_do_not_fit_are_refused(database: TestDatabase) {
    for handle in handles(&database.config().with_table("x"), 1).await {
        let room = 51 - handle.table.len() - 2;
        let longest = "n".repeat(room.min(31));
        handle.backend().feed(&name(&longest), UserIdKind::BigInt).unwrap();
        let taken = ["my_items", "my_identity", "my_marks", "my_migrations"].map(ToOwned::to_owned);
        for refused in taken {
            let error = handle.backend().feed(&name(&refused), UserIdKind::BigInt).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error:?}");
            assert!(error.message().contains(&refused), "{error}");
        }
    }
    let long = own_in(Layout::SingleTable, database.config().with_table("t".repeat(45))).await;
    let error = long.backend().feed(&name("newsy"), UserIdKind::BigInt).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error:?}");
    assert!(error.message().contains("51") && error.message().contains("__newsy"), "{error}");
    let two = SingleTableBackend::connect(database.config().with_table("my__feed")).await;
    let error = two.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSettings, "{error:?}");
    assert!(error.message().starts_with("table: "), "{error}");
}

/// PostgreSQL would cut them off, and MySQL would refuse the foreign key.
async fn the_longest_names_have_all_their_tables(database: TestDatabase) {
    database.run("CREATE TABLE people (id BIGINT NOT NULL PRIMARY KEY)").await;
    database.run("INSERT INTO people VALUES (1)").await;
    for layout in LAYOUTS {
        let letter = if layout == Layout::SingleTable { "s" } else { "m" };
        let config = database.config().with_users("people.id").with_table(letter.repeat(45));
        let main = own_in(layout, config).await.migrated().await;
        let feed = main.backend().feed(&name("news"), UserIdKind::BigInt).unwrap();
        feed.migrate().await.unwrap();
        feed.migrate().await.unwrap();
        let feed = Streams::from_backend(feed);
        feed.add_stream_item(1, "news").await.unwrap();
        assert_eq!(main.contents(1).await, [""; 0]);
        let tables = database.tables().await;
        let of_feed = format!("{}__news", main.table);
        for suffix in ["", "_identity", "_marks", "_migrations"] {
            assert!(tables.contains(&format!("{of_feed}{suffix}")), "{suffix} of {tables:?}");
        }
    }
}

async fn a_feed_of_users_has_their_foreign_key_and_one_of_texts_has_none(database: TestDatabase) {
    database.run("CREATE TABLE people (id BIGINT NOT NULL PRIMARY KEY)").await;
    database.run("INSERT INTO people VALUES (1)").await;
    for handle in handles(&database.config().with_users("people.id"), 2).await {
        let feed = async |feed: &str, kind| {
            let backend = handle.backend().feed(&name(feed), kind).unwrap();
            backend.migrate().await.unwrap();
            Streams::from_backend(backend)
        };
        let news = feed("news", UserIdKind::BigInt).await;
        news.add_stream_item(1, "to one").await.unwrap();
        let error = news.add_stream_item(9, "to nobody").await.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidUserId, "{error:?}");
        feed("teams", UserIdKind::Text).await.add_stream_item("team:7", "to all").await.unwrap();
        let uuid = user_streams_core::UserId::Uuid(uuid::Uuid::nil());
        feed("devices", UserIdKind::Uuid).await.add_stream_item(uuid, "to one").await.unwrap();
    }
}

async fn closing_a_feed_closes_nothing(database: TestDatabase) {
    for handle in handles(&database.config(), 2).await {
        let feed = handle.backend().feed(&name("news"), UserIdKind::BigInt).unwrap();
        feed.migrate().await.unwrap();
        feed.close().await.unwrap();
        handle.add(1, "in the main streams").await;
        let feed = Streams::from_backend(feed);
        feed.add_stream_item(1, "in the feed").await.unwrap();
        handle.streams.close().await.unwrap();
        feed.add_stream_item(1, "too late").await.map(drop).unwrap_err();
    }
}

async fn a_feed_has_no_feeds(database: TestDatabase) {
    for handle in own(&database.config(), 1).await {
        let feed = handle.backend().feed(&name("news"), UserIdKind::BigInt).unwrap();
        assert!(!feed.capabilities().has(Capability::Feeds));
        let error = feed.feed(&name("more"), UserIdKind::BigInt).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
    }
}

async fn a_feed_asked_for_again_has_ids_of_the_same_kind(database: TestDatabase) {
    for handle in own(&database.config(), 1).await {
        handle.backend().feed(&name("news"), UserIdKind::BigInt).unwrap();
        let error = handle.backend().feed(&name("news"), UserIdKind::Text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error:?}");
    }
}

async fn a_feed_is_written_in_the_application_s_transaction(database: TestDatabase) {
    use sea_orm::TransactionTrait;
    use user_streams_core::backend::AddStreamItem;

    let pool = connect(&database.url, 4).await;
    let elsewhere = tempfile::tempdir().unwrap();
    for handle in handles(&database.config(), 2).await {
        let feed = handle.backend().feed(&name("news"), UserIdKind::Text).unwrap();
        feed.migrate().await.unwrap();
        for commit in [false, true] {
            let txn = pool.begin().await.unwrap();
            {
                // Another value for the same feed.
                let feed = handle.backend().feed(&name("news"), UserIdKind::Text).unwrap();
                let writes = feed.in_transaction(&txn).unwrap();
                let item = AddStreamItem::new(["a", "b"], "news").unwrap();
                assert_eq!(writes.add_stream_item(item).await.unwrap().delivered, 2);
                let to = user_streams_core::NewItem::new("").cursor();
                let mark = SetMark::new("a".into(), name("seen"), to);
                assert!(writes.set_mark(mark).await.unwrap());
            }
            let ended = if commit { txn.commit().await } else { txn.rollback().await };
            ended.unwrap();
            let count = format!("SELECT COUNT(*) FROM {}__news", handle.table);
            assert_eq!(database.number(&count).await, if commit { 2 } else { 0 });
        }
        if database.backend() == DbBackend::Sqlite {
            let url = format!("sqlite://{}/elsewhere.db?mode=rwc", elsewhere.path().display());
            let txn = connect(&url, 1).await.begin().await.unwrap();
            let writes = feed.in_transaction(&txn).unwrap();
            let item = AddStreamItem::new("a", "elsewhere").unwrap();
            let error = writes.add_stream_item(item).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error:?}");
        }
    }
}

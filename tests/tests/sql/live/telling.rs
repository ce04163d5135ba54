//! What is told, and how often, as another listener of the channel hears it.

use futures_util::stream;
use sea_orm::{
    TransactionTrait,
    sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement},
};
use serde_json::{Value, json};
use user_streams_core::{
    Cursor, NewItem, Recipients, UserId,
    backend::{BulkAdd, DeleteStream, RemoveStreamItem, SetMark},
};
use user_streams_single_table::{SingleTableConfig, Users};

use super::{Ear, is_postgres, tellers};
use crate::{
    database::{TestDatabase, connect},
    faults::{
        handles::{Handle, LAYOUTS, handles, over_in, own},
        proxy::Proxy,
        start, within,
    },
};

crate::tests![
    each_write_tells_once_what_it_adds,
    what_adds_nothing_tells_nothing,
    the_application_s_transaction_tells_when_it_commits,
    feeds_tell_on_the_same_channel,
    without_the_option_nothing_is_told,
    telling_needs_no_further_statement,
    what_is_copied_is_stored_together_with_what_is_told,
];

fn place(item: Cursor) -> Value {
    json!([item.created_at_us(), item.id().get()])
}

/// A query of the first users.
fn first(users: i64) -> SelectStatement {
    Query::select()
        .column(Alias::new("id"))
        .from(Alias::new("people"))
        .and_where(Expr::col(Alias::new("id")).lte(users))
        .to_owned()
}

async fn people(database: &TestDatabase) {
    database.run("CREATE TABLE people (id BIGINT PRIMARY KEY)").await;
    database.run("INSERT INTO people SELECT * FROM generate_series(1, 5000)").await;
}

fn bulk(users: impl Iterator<Item = i64>) -> BulkAdd {
    let rows = users.map(|user| (user.into(), NewItem::new("a row"))).collect();
    BulkAdd::new(rows).unwrap()
}

async fn each_write_tells_once_what_it_adds(database: TestDatabase) {
    if !is_postgres(&database) {
        return;
    }
    people(&database).await;
    for handle in handles(&database.config().with_live(true), 4).await {
        let mut ear = Ear::at(&database, &handle).await;
        let long = "long ".repeat(500);
        let list = |count| Recipients::iter(1_i64..=count);
        let cases: Vec<(&str, Recipients, &str, bool)> = vec![
            ("one", list(1), "item", true),
            ("two", list(2), "item", true),
            ("a hundred", list(100), &long, true),
            ("more than are named", list(150), "item", false),
            ("as many as a statement takes", list(1_999), "item", false),
            ("as many as are copied", list(2_500), "item", false),
            ("many with a long content", list(2_500), &long, false),
            ("a broadcast", list(100_000), "item", false),
            ("a stream", Recipients::stream(stream::iter(1_i64..=3_000)), "item", false),
            ("a query", Recipients::query(Users::query(first(4_000))), "item", false),
        ];
        for (what, recipients, content, is_named) in cases {
            let item = handle.streams.add_stream_item(recipients, content).await.unwrap().item;
            let heard = ear.heard(&database).await;
            assert_eq!(heard.len(), 1, "{}: {what}: {heard:?}", handle.name());
            let told: Value = serde_json::from_str(&heard[0]).unwrap();
            assert_eq!(told["i"], place(item), "{}: {what}", handle.name());
            assert_eq!(told.get("u").is_some(), is_named, "{}: {what}: {told}", handle.name());
        }
        let all = Recipients::stream(stream::iter(1_i64..=200_050));
        handle.streams.add_stream_item(all, "three chunks").await.unwrap();
        let heard = ear.heard(&database).await;
        assert!(heard.len() <= 2, "{}: {heard:?}", handle.name());
        for (users, is_named) in [(3, true), (100, true), (2_500, false)] {
            handle.backend().bulk_add(bulk(1..=users)).await.unwrap();
            let heard = ear.heard(&database).await;
            assert_eq!(heard.len(), 1, "{}: {users}", handle.name());
            let told: Value = serde_json::from_str(&heard[0]).unwrap();
            assert_eq!(told.get("i"), None, "{}: {users}", handle.name());
            assert_eq!(told.get("u").is_some(), is_named, "{}: {users}", handle.name());
        }
    }
}

async fn what_adds_nothing_tells_nothing(database: TestDatabase) {
    if !is_postgres(&database) {
        return;
    }
    people(&database).await;
    for handle in handles(&database.config().with_live(true), 4).await {
        let item = NewItem::new("item");
        assert_eq!(handle.add(Recipients::iter(1_i64..=5_000), item.clone()).await, 5_000);
        let rows = BulkAdd::new(vec![(UserId::Int(1), item.clone())]).unwrap();
        let mut ear = Ear::at(&database, &handle).await;
        assert_eq!(handle.add(1, item.clone()).await, 0);
        assert_eq!(handle.add([1, 2], item.clone()).await, 0);
        assert_eq!(handle.add(Recipients::iter(1_i64..=5_000), item.clone()).await, 0);
        assert_eq!(handle.add(Users::query(first(5_000)), item.clone()).await, 0);
        assert_eq!(handle.backend().bulk_add(rows).await.unwrap(), 0);
        let place = item.cursor();
        let seen = SetMark::new(1.into(), "seen".parse().unwrap(), place);
        assert!(handle.backend().set_mark(seen).await.unwrap());
        let removal = RemoveStreamItem::new(1, place);
        assert_eq!(handle.backend().remove_stream_item(removal).await.unwrap(), 1);
        let deletion = DeleteStream::new(2.into());
        assert_eq!(handle.backend().delete_stream(deletion).await.unwrap(), 1);
        let heard = ear.heard(&database).await;
        assert!(heard.is_empty(), "{}: {heard:?}", handle.name());
        // Where only some are new, it is told.
        assert_eq!(handle.add([1, 2, 3], item).await, 2);
        assert_eq!(ear.heard(&database).await.len(), 1, "{}", handle.name());
    }
}

async fn the_application_s_transaction_tells_when_it_commits(database: TestDatabase) {
    if !is_postgres(&database) {
        return;
    }
    people(&database).await;
    let pool = connect(&database.url, 4).await;
    for handle in handles(&database.config().with_live(true), 4).await {
        let mut ear = Ear::at(&database, &handle).await;
        for is_committed in [false, true] {
            let transaction = pool.begin().await.unwrap();
            let streams = handle.streams.in_transaction(&transaction).unwrap();
            streams.add_stream_item(1, "one").await.unwrap();
            streams.add_stream_item([1, 2, 3], "some").await.unwrap();
            streams.add_stream_item(Recipients::iter(1_i64..=5_000), "many").await.unwrap();
            streams.add_stream_item(Users::query(first(4_000)), "a query").await.unwrap();
            let writes = handle.backend().in_transaction(&transaction).unwrap();
            writes.bulk_add(bulk(1..=3)).await.unwrap();
            drop(writes);
            assert!(ear.heard(&database).await.is_empty(), "{}", handle.name());
            let expected = if is_committed {
                transaction.commit().await.unwrap();
                5
            } else {
                transaction.rollback().await.unwrap();
                0
            };
            let heard = ear.heard(&database).await;
            assert_eq!(heard.len(), expected, "{}: {heard:?}", handle.name());
        }
    }
}

async fn feeds_tell_on_the_same_channel(database: TestDatabase) {
    if !is_postgres(&database) {
        return;
    }
    for handle in tellers(&database, "feeds").await {
        let mut ear = Ear::at(&database, &handle).await;
        let feed = handle.backend().feed(&"news".parse().unwrap(), handle.kind()).unwrap();
        feed.migrate().await.unwrap();
        let streams = user_streams_core::Streams::from_backend(feed);
        streams.add_stream_item(7, "news").await.unwrap();
        let heard = ear.heard(&database).await;
        assert_eq!(heard.len(), 1, "{}", handle.name());
        let told: Value = serde_json::from_str(&heard[0]).unwrap();
        assert_eq!((&told["f"], &told["u"]), (&json!("news"), &json!({"bigint": [7]})));
    }
}

/// Statements of these kinds of adds over a watched pool of an application.
async fn statements(database: &TestDatabase, live: bool) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for layout in LAYOUTS {
        let (pool, log) = database.watched().await;
        let table = format!("{layout:?}_{live}").to_lowercase();
        let config = database.config().with_table(table).with_live(live);
        let handle = over_in(&pool, layout, config).migrated().await;
        for users in [1, 2, 100] {
            log.take();
            assert_eq!(handle.add(Recipients::iter(1..=users), "item").await, users as u64);
            let texts = log.take().into_iter().map(|statement| statement.sql);
            all.push(texts.map(|sql| sql.replace(&handle.table, "t")).collect());
        }
    }
    all
}

async fn without_the_option_nothing_is_told(database: TestDatabase) {
    if !is_postgres(&database) {
        return;
    }
    for handle in handles(&database.config(), 4).await {
        let mut ear = Ear::at(&database, &handle).await;
        add_all(&handle).await;
        assert!(ear.heard(&database).await.is_empty(), "{}", handle.name());
    }
    for sql in statements(&database, false).await.concat() {
        assert!(!sql.contains("notify") && !sql.contains("RETURNING"), "{sql}");
    }
}

async fn add_all(handle: &Handle) {
    handle.add(1, "one").await;
    handle.add([1, 2], "two").await;
    handle.add(Recipients::iter(1_i64..=5_000), "many").await;
    handle.backend().bulk_add(bulk(1..=3)).await.unwrap();
}

async fn telling_needs_no_further_statement(database: TestDatabase) {
    if !is_postgres(&database) {
        return;
    }
    let lengths = |all: Vec<Vec<String>>| all.iter().map(Vec::len).collect::<Vec<_>>();
    let (off, on) = (statements(&database, false).await, statements(&database, true).await);
    assert_ne!(off, on);
    assert_eq!(lengths(off), lengths(on));
}

async fn what_is_copied_is_stored_together_with_what_is_told(database: TestDatabase) {
    if !is_postgres(&database) {
        return;
    }
    let proxy = Proxy::before(&database.url).await;
    let config = SingleTableConfig::new(proxy.url()).with_live(true);
    for handle in own(&config, 4).await {
        proxy.stall_at("pg_notify");
        let streams = handle.streams.clone();
        let add = start(async move {
            streams.add_stream_item(Recipients::iter(1_i64..=3_000), "many").await
        });
        within(5.0, "telling", proxy.held()).await;
        assert_eq!(handle.stored_total(&database).await, 0, "{}", handle.name());
        proxy.release();
        let added = within(5.0, "the add", add.end()).await;
        assert_eq!(added.unwrap().delivered, 3_000, "{}", handle.name());
    }
}

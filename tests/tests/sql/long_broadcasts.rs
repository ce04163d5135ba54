//! Broadcasts of several chunks, and those that use COPY on PostgreSQL.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use sea_orm::DbBackend;
use tokio::time::timeout;
use user_streams_core::{NewItem, Recipients, Streams, UserIdKind, backend::Backend};
use user_streams_many_to_many::ManyToManyBackend;
use user_streams_single_table::{SingleTableBackend, SingleTableConfig};

use crate::database::TestDatabase;

crate::tests![
    each_of_many_recipients_receives_the_content,
    ids_of_every_kind_arrive,
    a_repeated_broadcast_reaches_those_who_lack_the_item,
    a_user_in_two_chunks_receives_the_item_once,
    a_broadcast_dropped_at_any_moment_does_not_affect_the_next_statement,
    short_contents_are_copied_on_postgresql,
    a_table_with_row_level_security_takes_broadcasts,
];

/// Enough users for COPY on PostgreSQL.
const MANY: i64 = 5_000;

/// Each layout with its table, over a pool of its own and over an application's.
async fn layouts(database: &TestDatabase) -> Vec<(Streams, &'static str)> {
    let tables = ["own_single", "own_many", "application_single", "application_many"];
    let [own_single, own_many, application_single, application_many] =
        tables.map(|table| database.config().with_table(table));
    let pool = || database.connection.clone();
    let backends: [Box<dyn Backend>; 4] = [
        Box::new(SingleTableBackend::connect(own_single).await.unwrap()),
        Box::new(ManyToManyBackend::connect(own_many).await.unwrap()),
        Box::new(SingleTableBackend::new(pool(), application_single).unwrap()),
        Box::new(ManyToManyBackend::new(pool(), application_many).unwrap()),
    ];
    let mut layouts = Vec::new();
    for (backend, table) in backends.into_iter().zip(tables) {
        backend.migrate().await.unwrap();
        layouts.push((Streams::from_backend(backend), table));
    }
    layouts
}

async fn each_of_many_recipients_receives_the_content(database: TestDatabase) {
    for (streams, _) in layouts(&database).await {
        for content in ["☃ snow", &"long ".repeat(1_000), ""] {
            let users: Vec<_> = (1..=MANY).collect();
            let delivery = streams.add_stream_item(users, content).await.unwrap();
            assert_eq!(delivery.delivered, MANY as u64);
            for user in [1, MANY / 2, MANY] {
                let item = streams.get_stream_items(user).get(0).await.unwrap().unwrap();
                assert_eq!((item.content.as_str(), item.cursor()), (content, delivery.item));
            }
            assert!(streams.get_stream_items(MANY + 1).is_empty().await.unwrap());
        }
    }
}

async fn ids_of_every_kind_arrive(database: TestDatabase) {
    for kind in [UserIdKind::Uuid, UserIdKind::Text] {
        let config = database.config().with_user_id(kind).with_table(format!("of_{kind}"));
        let backend = SingleTableBackend::connect(config).await.unwrap();
        backend.migrate().await.unwrap();
        let streams = Streams::from_backend(backend);
        if kind == UserIdKind::Uuid {
            let users: Vec<_> = (1..=MANY).map(|id| uuid::Uuid::from_u128(id as u128)).collect();
            assert_eq!(
                streams.add_stream_item(&users, "item").await.unwrap().delivered,
                MANY as u64
            );
            assert_eq!(
                streams.get_stream_items(users[MANY as usize - 1]).count().await.unwrap(),
                1
            );
        } else {
            let users: Vec<_> = (1..=MANY).map(|id| format!("user ☃ {id}")).collect();
            assert_eq!(
                streams.add_stream_item(&users, "item").await.unwrap().delivered,
                MANY as u64
            );
            assert_eq!(streams.get_stream_items(users[0].as_str()).count().await.unwrap(), 1);
        }
    }
}

async fn a_repeated_broadcast_reaches_those_who_lack_the_item(database: TestDatabase) {
    for (streams, _) in layouts(&database).await {
        let item = NewItem::new("once");
        let half = streams.add_stream_item((1..=MANY).step_by(2).collect::<Vec<_>>(), item.clone());
        assert_eq!(half.await.unwrap().delivered, MANY as u64 / 2);
        for left in [MANY as u64 / 2, 0] {
            let all = streams.add_stream_item((1..=MANY).collect::<Vec<_>>(), item.clone());
            assert_eq!(all.await.unwrap().delivered, left);
        }
        assert_eq!(streams.get_stream_items(1).count().await.unwrap(), 1);
    }
}

async fn a_user_in_two_chunks_receives_the_item_once(database: TestDatabase) {
    let config = database.config().with_user_id(UserIdKind::Text);
    let backend = SingleTableBackend::connect(config).await.unwrap();
    backend.migrate().await.unwrap();
    let streams = Streams::from_backend(backend);
    // A chunk has 10,000 texts.
    let users = (0..25_000).map(|number| format!("{}", number % 12_000));
    let delivery = streams.add_stream_item(Recipients::iter(users), "once").await.unwrap();
    assert_eq!(delivery.delivered, 12_000);
    assert_eq!(streams.get_stream_items("1").count().await.unwrap(), 1);
}

async fn a_broadcast_dropped_at_any_moment_does_not_affect_the_next_statement(
    database: TestDatabase,
) {
    for (streams, table) in layouts(&database).await {
        let broadcast =
            || streams.add_stream_item((1..=MANY).collect::<Vec<_>>(), "dropped").into_future();
        let started = Instant::now();
        broadcast().await.unwrap();
        let whole = started.elapsed();
        for part in 0..60 {
            // The first is dropped during its first statement.
            _ = broadcast().now_or_never();
            _ = timeout(whole * part / 50, broadcast()).await;
            assert_eq!(streams.add_stream_item(0, "next").await.unwrap().delivered, 1);
            // Seen by another connection, so it is committed.
            let count = format!("SELECT COUNT(*) FROM {table} WHERE user_id = 0");
            assert_eq!(database.number(&count).await, i64::from(part) + 1);
            assert_eq!(streams.get_stream_items(0).count().await.unwrap(), part as usize + 1);
        }
        // A dropped call continues for a moment, and may become visible between two counts.
        let (first, last) = (streams.get_stream_items(1), streams.get_stream_items(MANY));
        let equal = async {
            while first.count().await.unwrap() != last.count().await.unwrap() {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(10), equal).await.expect("no broadcast stays halved");
    }
}

/// How many receive it if a rule discards every INSERT into the table, which does not affect COPY.
async fn delivered_without_inserts(database: &TestDatabase, contents: &[(&str, i64)]) -> Vec<u64> {
    let backend = database.single_table().await;
    backend.migrate().await.unwrap();
    database
        .run("CREATE RULE none AS ON INSERT TO user_streams_single_table DO INSTEAD NOTHING")
        .await;
    let streams = Streams::from_backend(backend);
    let mut delivered = Vec::new();
    for (content, users) in contents {
        let users: Vec<_> = (1..=*users).collect();
        delivered.push(streams.add_stream_item(users, *content).await.unwrap().delivered);
    }
    delivered
}

async fn short_contents_are_copied_on_postgresql(database: TestDatabase) {
    if database.backend() != DbBackend::Postgres {
        return;
    }
    let long = "x".repeat(10_000);
    let contents = [("short", MANY), (&long, MANY), ("to few", 10)];
    assert_eq!(delivered_without_inserts(&database, &contents).await, [MANY as u64, 0, 0]);
}

async fn a_table_with_row_level_security_takes_broadcasts(database: TestDatabase) {
    if database.backend() != DbBackend::Postgres {
        return;
    }
    let backend = database.single_table().await;
    backend.migrate().await.unwrap();
    let role = format!("us_clerk_{}", std::process::id());
    for sql in [
        &format!("CREATE ROLE {role} LOGIN"),
        &format!("GRANT SELECT, INSERT ON user_streams_single_table TO {role}"),
        "ALTER TABLE user_streams_single_table ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY everything ON user_streams_single_table USING (true)",
    ] {
        database.run(sql).await;
    }
    let (scheme, rest) = database.url.split_once("://").unwrap();
    let (_, address) = rest.split_once('@').unwrap();
    let config = SingleTableConfig::new(format!("{scheme}://{role}@{address}"));
    let streams = Streams::from_backend(SingleTableBackend::connect(config).await.unwrap());
    let by_kind: BTreeMap<_, _> = BTreeMap::from([
        ("a list", Recipients::iter(1..=MANY)),
        ("a chunk of a stream", Recipients::stream(futures_util::stream::iter(1..=MANY))),
    ]);
    for (what, users) in by_kind {
        let delivered = streams.add_stream_item(users, "item").await.unwrap().delivered;
        assert_eq!(delivered, MANY as u64, "{what}");
    }
    streams.close().await.unwrap();
    database.run(&format!("DROP OWNED BY {role}")).await;
    database.run(&format!("DROP ROLE {role}")).await;
}

//! PostgreSQL behind PgBouncer, in each of its modes, otherwise with its defaults.

use std::{collections::BTreeSet, future::IntoFuture, time::Duration};

use futures_util::{future::join_all, stream};
use sea_orm::{
    ConnectionTrait, DbBackend,
    sea_query::{Expr, Query},
};
use user_streams_core::{
    Error, ErrorKind, Name, NewItem, Recipients, Streams, UserId, UserIdKind,
    backend::{
        Backend, BulkAdd, Contains, CountNewer, DeleteRange, ListUsers, MarkQuery,
        RemoveStreamItem, SetMark,
    },
};
use user_streams_many_to_many::ManyToManyBackend;
use user_streams_single_table::{SingleTableBackend, SingleTableConfig, Users};
use user_streams_test_servers::Pooler;
use uuid::Uuid;

use crate::{
    database::{TestDatabase, connect},
    faults::{
        blocker::Blocker,
        eventually,
        handles::{self, LAYOUTS, Layout},
        sessions, timed, within,
    },
};

crate::tests![
    every_operation_works_behind_a_pooler,
    every_optional_operation_works_behind_a_pooler,
    every_kind_of_id_and_any_content_arrives,
    streams_behind_one_pooler_do_not_mix,
    nothing_is_left_behind_for_other_clients,
    a_parameter_that_the_pooler_refuses_is_named,
    a_pooler_without_transactions_is_a_clear_error,
    an_abandoned_statement_ends_on_the_server_and_no_other_does,
    without_a_pooler_a_statement_has_no_explicit_transaction,
];

const SESSION: &[&str] = &["pool_mode = session"];
/// A common setting for drivers that send startup parameters: the marker is then dropped rather
/// than refused.
const LENIENT: &[&str] =
    &["pool_mode = session", "ignore_startup_parameters = extra_float_digits,options"];
/// A small pool, so that clients often change sessions.
pub(crate) const TRANSACTION: &[&str] = &["pool_mode = transaction", "default_pool_size = 3"];
pub(crate) const LENIENT_TRANSACTION: &[&str] =
    &["pool_mode = transaction", "default_pool_size = 3", "ignore_startup_parameters = options"];
pub(crate) const MODES: [&[&str]; 4] = [SESSION, LENIENT, TRANSACTION, LENIENT_TRANSACTION];

/// A pooler in front of the test's database; only on PostgreSQL.
pub(crate) async fn pooler(
    database: &TestDatabase,
    settings: &'static [&'static str],
) -> Option<Pooler> {
    if database.backend() != DbBackend::Postgres {
        return None;
    }
    let url = database.url.clone();
    let started = tokio::task::spawn_blocking(move || Pooler::start(&url, settings)).await.unwrap();
    Some(started.unwrap_or_else(|error| panic!("{error:#}")))
}

async fn streams(layout: Layout, config: SingleTableConfig) -> Streams {
    let streams = match layout {
        Layout::SingleTable => {
            Streams::from_backend(SingleTableBackend::connect(config).await.unwrap())
        }
        Layout::ManyToMany => {
            Streams::from_backend(ManyToManyBackend::connect(config).await.unwrap())
        }
    };
    streams.migrate().await.unwrap();
    streams
}

async fn every_operation_works_behind_a_pooler(database: TestDatabase) {
    for (number, settings) in MODES.into_iter().enumerate() {
        let Some(pooler) = pooler(&database, settings).await else { return };
        for layout in LAYOUTS {
            let table = format!("{layout:?}_{number}").to_lowercase();
            let config =
                SingleTableConfig::new(&pooler.url).with_table(&table).with_max_connections(3);
            let streams = streams(layout, config).await;
            let item = NewItem::new("one");
            for delivered in [1, 0] {
                let again = streams.add_stream_item(1, item.clone()).await.unwrap();
                assert_eq!(again.delivered, delivered, "{table}");
            }
            assert_eq!(
                streams.add_stream_item([1, 2], "two").await.unwrap().delivered,
                2,
                "{table}"
            );
            // By COPY, and in several chunks.
            assert_eq!(
                streams
                    .add_stream_item(Recipients::iter(1_i64..=5_000), "many")
                    .await
                    .unwrap()
                    .delivered,
                5_000
            );
            let all = Recipients::stream(stream::iter(1_i64..=100_500));
            assert_eq!(
                streams.add_stream_item(all, "all").await.unwrap().delivered,
                100_500,
                "{table}"
            );
            let items = streams.get_stream_items(1);
            let contents: Vec<_> =
                items.slice(..10).await.unwrap().into_iter().map(|item| item.content).collect();
            assert_eq!(contents, ["all", "many", "two", "one"], "{table}");
            assert_eq!(streams.get_stream_items(2).count().await.unwrap(), 3, "{table}");
            streams.ping().await.unwrap();
            let damage = format!("UPDATE {table} SET id = -id WHERE user_id = 3");
            database.run(&damage).await;
            assert_eq!(streams.get_stream_items(3).await.unwrap_err().kind(), ErrorKind::Corrupt);
            assert_eq!(streams.repair_stream(3).await.unwrap(), 2, "{table}");
            assert!(streams.get_stream_items(3).is_empty().await.unwrap(), "{table}");
            assert_eq!(streams.delete_stream(1).await.unwrap(), 4, "{table}");
            if layout == Layout::ManyToMany {
                assert_eq!(streams.purge().await.unwrap(), 1, "{table}");
            }
            streams.migrate().await.unwrap();
            streams.close().await.unwrap();
        }
    }
}

async fn every_optional_operation_works_behind_a_pooler(database: TestDatabase) {
    let text = |n| UserId::Text(format!("user '{n}'"));
    let uuid = |n| UserId::Uuid(Uuid::from_u128(n));
    for (number, settings) in MODES.into_iter().enumerate() {
        let Some(pooler) = pooler(&database, settings).await else { return };
        for layout in LAYOUTS {
            for (kind, users) in [
                (UserIdKind::BigInt, [UserId::Int(1), UserId::Int(2)]),
                (UserIdKind::Uuid, [uuid(1), uuid(2)]),
                (UserIdKind::Text, [text(1), text(2)]),
            ] {
                let table = format!("{layout:?}_{kind}_{number}").to_lowercase();
                let config = SingleTableConfig::new(&pooler.url)
                    .with_user_id(kind)
                    .with_table(table)
                    .with_max_connections(3);
                let handle = handles::own_in(layout, config).await.migrated().await;
                optional_operations(handle.backend(), &users).await;
                let feed = handle.backend().feed(&"news".parse().unwrap(), kind).unwrap();
                feed.migrate().await.unwrap();
                optional_operations(&*feed, &users).await;
            }
        }
    }
}

async fn optional_operations(backend: &dyn Backend, users: &[UserId; 2]) {
    let items: Vec<_> = (0..2_500).map(|n| NewItem::new(format!("item {n} ☃ '$1'"))).collect();
    let [user, other] = users.clone();
    let to = |user: &UserId, items: &[NewItem]| {
        let rows = items.iter().map(|item| (user.clone(), item.clone()));
        BulkAdd::new(rows.collect()).unwrap()
    };
    // By a statement, by COPY, and by a statement where COPY finds rows.
    assert_eq!(backend.bulk_add(to(&user, &items[..3])).await.unwrap(), 3);
    assert_eq!(backend.bulk_add(to(&other, &items)).await.unwrap(), 2_500);
    assert_eq!(backend.bulk_add(to(&user, &items)).await.unwrap(), 2_497);
    let at = |index: usize| items[index].cursor();
    let remove = |from: Vec<UserId>| RemoveStreamItem::new(from, at(9));
    assert_eq!(backend.remove_stream_item(remove(vec![user.clone()])).await.unwrap(), 1);
    assert_eq!(backend.remove_stream_item(remove(users.to_vec())).await.unwrap(), 1);
    let range = DeleteRange::new(user.clone()).newer_than(at(10)).older_than(at(13));
    assert_eq!(backend.delete_range(range).await.unwrap(), 2);
    let pairs = vec![(user.clone(), at(11)), (other.clone(), at(11)), (user.clone(), at(13))];
    assert_eq!(backend.contains(Contains::new(pairs)).await.unwrap(), [false, true, true]);
    let seen: Name = "seen".parse().unwrap();
    let set = || SetMark::new(user.clone(), seen.clone(), at(2_480));
    assert!(backend.set_mark(set()).await.unwrap());
    assert!(!backend.set_mark(set()).await.unwrap());
    let mark = MarkQuery::new(user.clone(), seen.clone());
    assert_eq!(backend.mark(mark).await.unwrap(), Some(at(2_480)));
    for query in [
        CountNewer::new(user.clone(), at(2_480)),
        CountNewer::than_mark(user.clone(), seen.clone()),
    ] {
        assert_eq!(backend.count_newer(query.with_limit(100)).await.unwrap(), 19);
    }
    let page = backend.list_users(ListUsers::new(1)).await.unwrap();
    assert_eq!(page.users, [user]);
    let rest = backend.list_users(ListUsers::new(5).after(page.next.unwrap())).await.unwrap();
    assert_eq!((rest.users, rest.next), (vec![other], None));
}

async fn every_kind_of_id_and_any_content_arrives(database: TestDatabase) {
    let Some(pooler) = pooler(&database, TRANSACTION).await else { return };
    let texts = ["zoë", "o'neil", "back\\slash", "\"$1\" -- '; DROP TABLE people", ""];
    let contents = ["it's", "\\", "$1 ☃ \n\t", "", &"long ".repeat(20_000)];
    for layout in LAYOUTS {
        for kind in [UserIdKind::Text, UserIdKind::Uuid, UserIdKind::BigInt] {
            let users: Vec<UserId> = match kind {
                UserIdKind::Text => texts.into_iter().map(UserId::from).collect(),
                UserIdKind::Uuid => {
                    (0..5).map(|byte| Uuid::new_v5(&Uuid::NAMESPACE_OID, &[byte]).into()).collect()
                }
                _ => [i64::MIN, -1, 0, 1, i64::MAX].map(UserId::from).to_vec(),
            };
            let table = format!("{layout:?}_{kind}$1'").to_lowercase();
            let config = SingleTableConfig::new(&pooler.url).with_table(&table).with_user_id(kind);
            let streams = streams(layout, config).await;
            let users: BTreeSet<_> = users.into_iter().collect();
            for content in contents {
                for user in &users {
                    streams.add_stream_item(user.clone(), content).await.unwrap();
                    let newest =
                        streams.get_stream_items(user.clone()).get(0).await.unwrap().unwrap();
                    assert_eq!(newest.content, content, "{table}: {user:?}");
                }
                let all: Vec<_> = users.iter().cloned().collect();
                let delivery = streams.add_stream_item(all, content).await.unwrap();
                assert_eq!(delivery.delivered, users.len() as u64, "{table}");
            }
            for user in &users {
                let items = streams.get_stream_items(user.clone());
                let page = items.slice(..20).await.unwrap();
                assert_eq!(page.len(), 2 * contents.len(), "{table}: {user:?}");
                let after = items.cursor_page(2).after(page[3].cursor()).await.unwrap();
                assert_eq!(after.items, page[4..6], "{table}: {user:?}");
            }
        }
    }
}

async fn streams_behind_one_pooler_do_not_mix(database: TestDatabase) {
    for (number, settings) in [TRANSACTION, LENIENT_TRANSACTION, SESSION].into_iter().enumerate() {
        let Some(pooler) = pooler(&database, settings).await else { return };
        let mut all = Vec::new();
        for layout in LAYOUTS {
            for name in ["inbox", "news", "likes"] {
                let table = format!("{layout:?}_{name}_{number}").to_lowercase();
                let config =
                    SingleTableConfig::new(&pooler.url).with_table(&table).with_max_connections(3);
                all.push((streams(layout, config).await, table));
            }
        }
        let used = all.iter().map(|(streams, table)| add_and_read_back(streams, table));
        within(60.0, "all of them", join_all(used)).await;
        for (_, table) in &all {
            let rows = database.number(&format!("SELECT COUNT(*) FROM {table}")).await;
            assert_eq!(rows, i64::from(TASKS * ADDS * 3), "{table}");
        }
        for (streams, _) in all {
            streams.close().await.unwrap();
        }
    }
}

const TASKS: u32 = 4;
const ADDS: u32 = 25;

/// Adds to one and to two users at a time, and reads them.
async fn add_and_read_back(streams: &Streams, table: &str) {
    let tasks = (0..TASKS).map(|task| async move {
        for number in 0..ADDS {
            let user = i64::from(task);
            let content = format!("{table} {number}");
            assert_eq!(
                streams.add_stream_item(user, &*content).await.unwrap().delivered,
                1,
                "{table}"
            );
            let both = [user, 100 + user];
            assert_eq!(
                streams.add_stream_item(both, &*content).await.unwrap().delivered,
                2,
                "{table}"
            );
            let items = streams.get_stream_items(user).slice(..4).await.unwrap();
            assert!(items.iter().all(|item| item.content.starts_with(table)), "{table}: {items:?}");
            assert_eq!(items[0].content, content, "{table}");
            let len = streams.get_stream_items(100 + user).count().await.unwrap();
            assert_eq!(len, number as usize + 1, "{table}");
        }
    });
    join_all(tasks).await;
}

async fn nothing_is_left_behind_for_other_clients(database: TestDatabase) {
    const LEFT: &str = "DO $$ BEGIN IF EXISTS (SELECT FROM pg_prepared_statements) OR \
         current_setting('statement_timeout') <> '0' OR \
         current_setting('default_transaction_isolation') <> 'read committed' OR \
         current_setting('idle_in_transaction_session_timeout') <> '0' OR \
         current_setting('client_connection_check_interval', true) <> '0' \
         THEN RAISE EXCEPTION 'something is left behind'; END IF; END $$";
    // One session for all.
    let settings: &[&str] = &[
        "pool_mode = transaction",
        "default_pool_size = 1",
        "ignore_startup_parameters = extra_float_digits",
    ];
    let Some(pooler) = pooler(&database, settings).await else { return };
    for layout in LAYOUTS {
        let table = format!("{layout:?}").to_lowercase();
        let config = SingleTableConfig::new(&pooler.url).with_table(table).with_max_connections(2);
        let streams = streams(layout, config).await;
        streams.add_stream_item(1, "one").await.unwrap();
        streams.add_stream_item([1, 2], "two").await.unwrap();
        streams.add_stream_item(Recipients::iter(1_i64..=5_000), "many").await.unwrap();
        let mut select = Query::select();
        select.expr(Expr::val(7_i64));
        streams.add_stream_item(Users::query(select), "a query").await.unwrap();
        streams.get_stream_items(1).slice(..10).await.unwrap();
        let other = connect(&pooler.url, 1).await;
        other.execute_unprepared(LEFT).await.unwrap();
    }
}

async fn a_parameter_that_the_pooler_refuses_is_named(database: TestDatabase) {
    let Some(pooler) = pooler(&database, SESSION).await else { return };
    let config = SingleTableConfig::new(format!("{}?options=-c%20geqo%3Doff", pooler.url));
    let connecting = SingleTableBackend::connect(config);
    let error: Error = within(3.0, "connecting", connecting).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::InvalidSettings, false),
        "{error:?}"
    );
    assert!(error.message().contains("ignore_startup_parameters"), "{error:?}");
}

async fn a_pooler_without_transactions_is_a_clear_error(database: TestDatabase) {
    let Some(pooler) = pooler(&database, &["pool_mode = statement"]).await else { return };
    let connecting = SingleTableBackend::connect(SingleTableConfig::new(&pooler.url));
    let error: Error = within(3.0, "connecting", connecting).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::InvalidSettings, false),
        "{error:?}"
    );
    assert!(error.message().contains("pool_mode = transaction"), "{error:?}");
}

async fn an_abandoned_statement_ends_on_the_server_and_no_other_does(database: TestDatabase) {
    // The other client needs the parameter.
    let transaction: &[&str] =
        &["pool_mode = transaction", "ignore_startup_parameters = extra_float_digits"];
    for settings in [transaction, LENIENT] {
        let Some(pooler) = pooler(&database, settings).await else { return };
        // Another client's statement, through the same pooler.
        let other = connect(&pooler.url, 1).await;
        let sleeping = async move { other.execute_unprepared("SELECT pg_sleep(6)").await };
        let sleeping = tokio::spawn(sleeping);
        for layout in LAYOUTS {
            let config = SingleTableConfig::new(&pooler.url).with_max_connections(2);
            let config = config.with_operation_timeout(Duration::from_secs(1));
            let handle = handles::own_unmigrated(layout, config).await.migrated().await;
            let item = NewItem::new("waits");
            let blocker = Blocker::of_deliveries(&database, &handle, &[1], &item).await;
            let add = handle.streams.add_stream_item(1, item.clone()).into_future();
            let (added, took) = timed(5.0, handle.name(), add).await;
            assert_eq!(
                added.map(drop).unwrap_err().kind(),
                ErrorKind::Timeout,
                "{}",
                handle.name()
            );
            assert!(took < Duration::from_millis(1_500), "{}: {took:?}", handle.name());
            eventually(2.0, format!("{}: the end of its session", handle.name()), || async {
                // The other client's statement is still running.
                sessions::busy(&database, &[blocker.session]).await <= 1
            })
            .await;
            blocker.release().await;
            assert_eq!(handle.add(1, item).await, 1, "{}", handle.name());
        }
        sleeping.await.unwrap().unwrap();
    }
}

async fn without_a_pooler_a_statement_has_no_explicit_transaction(database: TestDatabase) {
    if database.backend() != DbBackend::Postgres {
        return;
    }
    let last = |url: &str| {
        let config = SingleTableConfig::new(url).with_max_connections(1);
        let database = &database;
        async move {
            let streams = streams(Layout::SingleTable, config).await;
            streams.add_stream_item(1, "one").await.unwrap();
            let sql = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
                       AND query LIKE 'BEGIN%COMMIT' AND state = 'idle' AND pid <> \
                       pg_backend_pid()";
            let commits = database.number(sql).await;
            streams.close().await.unwrap();
            commits
        }
    };
    assert_eq!(last(&database.url).await, 0);
    let pooler = pooler(&database, SESSION).await.unwrap();
    assert_eq!(last(&pooler.url).await, 1);
}

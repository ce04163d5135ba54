//! Marks that many set at once, and those of users who are gone.

use futures_util::future::join_all;
use sea_orm::{DbBackend, Statement};
use user_streams_core::{
    Cursor, ItemId, Name, NewItem,
    backend::{CountNewer, MarkQuery, SetMark},
    time::from_micros,
};
use user_streams_single_table::SingleTableConfig;

use crate::{
    database::{TestDatabase, connect},
    faults::{
        handles::{Handle, handles, own},
        own_server::OwnServer,
    },
};

crate::tests![
    marks_set_by_32_tasks_do_not_deadlock,
    a_mark_that_stays_is_not_written,
    a_mark_of_a_deleted_user_is_deleted,
    unread_items_are_counted_in_one_exchange,
];

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn place(micros: i64, id: i64) -> Cursor {
    Cursor::new(from_micros(micros).unwrap(), ItemId::try_from(id).unwrap())
}

async fn set(handle: &Handle, user: i64, to: Cursor) -> bool {
    let set = handle.backend().set_mark(SetMark::new(user.into(), name("seen"), to)).await;
    set.unwrap_or_else(|error| panic!("{}: {error:?}", handle.name()))
}

async fn mark(handle: &Handle, user: i64) -> Option<Cursor> {
    handle.backend().mark(MarkQuery::new(user.into(), name("seen"))).await.unwrap()
}

/// How many deadlocks the database has seen. On MySQL it is a number of the whole server.
async fn deadlocks(url: &str, backend: DbBackend) -> i64 {
    let sql = match backend {
        DbBackend::Sqlite => return 0,
        DbBackend::Postgres => {
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        }
        _ => {
            "SELECT CAST(variable_value AS SIGNED) FROM information_schema.global_status WHERE \
             variable_name = 'innodb_deadlocks'"
        }
    };
    let row = connect(url, 1).await.query_one(sql, backend).await;
    row.map_or(0, |row| row.try_get_by_index(0).unwrap())
}

trait QueryOne {
    async fn query_one(&self, sql: &str, backend: DbBackend) -> Option<sea_orm::QueryResult>;
}

impl QueryOne for sea_orm::DatabaseConnection {
    async fn query_one(&self, sql: &str, backend: DbBackend) -> Option<sea_orm::QueryResult> {
        use sea_orm::ConnectionTrait;
        self.query_one_raw(Statement::from_string(backend, sql)).await.unwrap()
    }
}

/// Each sets the marks of a few users for the first time, and then moves them, all in one go. A
/// mark ends at the furthest place, and was moved there once.
async fn marks_set_by_32_tasks_do_not_deadlock(database: TestDatabase) {
    let backend = database.backend();
    let server = match backend {
        DbBackend::MySql => Some(OwnServer::start("--innodb-print-all-deadlocks=1").await),
        _ => None,
    };
    let config = server.as_ref().map_or(database.config(), |own| SingleTableConfig::new(&own.url));
    let before = deadlocks(&config.url, backend).await;
    for handle in own(&config, 10).await {
        let (handle, name) = (&handle, handle.name());
        for round in 0..8 {
            let tasks = (0..32).map(|task: i64| async move {
                let mut moved = Vec::new();
                for step in 0..8 {
                    let to = place(round * 100 + (task * 7 + step * 5) % 32, task + 1);
                    if set(handle, step % 4, to).await {
                        moved.push((step % 4, to));
                    }
                }
                moved
            });
            let moved: Vec<_> = join_all(tasks).await.concat();
            for user in 0..4 {
                let of_user = moved.iter().filter(|(of, _)| *of == user);
                let mut places: Vec<_> = of_user.map(|(_, to)| *to).collect();
                places.sort_unstable();
                assert_eq!(mark(handle, user).await, places.last().copied(), "{name}");
                let count = places.len();
                places.dedup();
                assert_eq!(places.len(), count, "{name}: a place was moved to twice");
            }
        }
    }
    assert_eq!(deadlocks(&config.url, backend).await - before, 0);
}

/// The version of a row on PostgreSQL, which a write or a lock changes.
async fn a_mark_that_stays_is_not_written(database: TestDatabase) {
    if database.backend() != DbBackend::Postgres {
        return;
    }
    for handle in handles(&database.config(), 2).await {
        assert!(set(&handle, 1, place(5, 5)).await);
        let version = format!(
            "SELECT xmin::text::bigint * 1000000 + xmax::text::bigint FROM {}_marks",
            handle.table
        );
        let before = database.number(&version).await;
        assert!(!set(&handle, 1, place(5, 5)).await);
        assert!(!set(&handle, 1, place(4, 9)).await);
        assert_eq!(database.number(&version).await, before, "{}", handle.name());
        assert!(set(&handle, 1, place(5, 6)).await);
        assert_ne!(database.number(&version).await, before, "{}", handle.name());
    }
}

async fn a_mark_of_a_deleted_user_is_deleted(database: TestDatabase) {
    database.run("CREATE TABLE people (id BIGINT NOT NULL PRIMARY KEY)").await;
    database.run("INSERT INTO people VALUES (1), (2)").await;
    let handles = handles(&database.config().with_users("people.id"), 2).await;
    for handle in &handles {
        assert!(set(handle, 1, place(5, 5)).await && set(handle, 2, place(5, 5)).await);
        assert!(!set(handle, 1, place(4, 5)).await);
        let nobody = SetMark::new(9.into(), name("seen"), place(5, 5));
        let error = handle.backend().set_mark(nobody).await.unwrap_err();
        assert_eq!(error.kind(), user_streams_core::ErrorKind::InvalidUserId, "{error:?}");
    }
    database.run("DELETE FROM people WHERE id = 1").await;
    for handle in &handles {
        assert_eq!(mark(handle, 1).await, None, "{}", handle.name());
        assert_eq!(mark(handle, 2).await, Some(place(5, 5)), "{}", handle.name());
    }
}

async fn unread_items_are_counted_in_one_exchange(database: TestDatabase) {
    for handle in handles(&database.config(), 2).await {
        let items: Vec<_> = (0..5).map(|n| NewItem::new(format!("item {n}"))).collect();
        for item in &items {
            handle.add(1, item.clone()).await;
        }
        let count = async |limit| {
            let query = CountNewer::than_mark(1.into(), name("seen")).with_limit(limit);
            handle.backend().count_newer(query).await.unwrap()
        };
        assert_eq!((count(100).await, count(3).await), (5, 3), "{}: no mark", handle.name());
        set(&handle, 1, items[2].cursor()).await;
        assert_eq!((count(100).await, count(1).await), (2, 1), "{}", handle.name());
        set(&handle, 1, items[4].cursor()).await;
        assert_eq!(count(100).await, 0, "{}", handle.name());
    }
}

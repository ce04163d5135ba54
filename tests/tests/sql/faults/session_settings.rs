//! Session settings of MySQL and MariaDB that would affect what is stored.

use sea_orm::{
    DbBackend,
    sea_query::{Alias, Expr, Query},
};
use user_streams_core::ErrorKind;
use user_streams_single_table::{SingleTableConfig, Users};

use super::{
    handles::{self, Handle, LAYOUTS},
    logins::{Login, Setting},
};
use crate::database::{TestDatabase, connect};

crate::tests![
    without_autocommit_what_is_acknowledged_is_stored,
    without_autocommit_reads_are_not_stale,
    content_larger_than_the_column_is_refused,
    content_as_large_as_the_column_is_stored_completely,
    texts_are_not_converted_to_numbers_without_strict_mode,
    the_oracle_mode_is_supported,
];

/// Both layouts over both kinds of pools, whose sessions have the setting.
async fn set(
    database: &TestDatabase,
    setting: Setting,
    connections: u32,
) -> Option<(Login, Vec<Handle>)> {
    if database.backend() != DbBackend::MySql {
        return None;
    }
    let login = Login::create(database, setting).await?;
    let handles = handles::handles(&SingleTableConfig::new(&login.url), connections).await;
    Some((login, handles))
}

async fn without_autocommit_what_is_acknowledged_is_stored(database: TestDatabase) {
    let Some((_login, handles)) = set(&database, Setting::NoAutocommit, 3).await else { return };
    for handle in handles {
        for users in [vec![1], vec![1, 2, 3], (1..=2_500).collect()] {
            let before = handle.stored_total(&database).await;
            let delivered = handle.add(users, "item").await;
            let after = handle.stored_total(&database).await;
            assert_eq!(after - before, delivered as i64, "{}: stored", handle.name());
        }
        assert_eq!(handle.streams.delete_stream(1).await.unwrap(), 3, "{}", handle.name());
        assert_eq!(handle.stored(&database, 1).await, 0, "{}: deleted", handle.name());
        if handle.layout == handles::Layout::ManyToMany {
            handle.add(9, "for nobody, soon").await;
            handle.streams.delete_stream(9).await.unwrap();
            let items = format!("SELECT COUNT(*) FROM {}_items", handle.table);
            let before = database.number(&items).await;
            let purged = handle.streams.purge().await.unwrap() as i64;
            assert!(purged > 0);
            assert_eq!(database.number(&items).await, before - purged, "{}", handle.name());
        }
    }
}

async fn without_autocommit_reads_are_not_stale(database: TestDatabase) {
    let Some((_login, handles)) = set(&database, Setting::NoAutocommit, 1).await else { return };
    for handle in handles {
        assert_eq!(handle.contents(1).await.len(), 0);
        let table = &handle.table;
        // Another process adds.
        for number in 1..=2 {
            let (columns, content) = match handle.layout {
                handles::Layout::SingleTable => ("user_id, created_at_us, id, content", ", 'x'"),
                handles::Layout::ManyToMany => ("user_id, created_at_us, id", ""),
            };
            if handle.layout == handles::Layout::ManyToMany {
                let columns = "created_at_us, id, content";
                let sql =
                    format!("INSERT INTO {table}_items ({columns}) VALUES ({number}, 1, 'x')");
                database.run(&sql).await;
            }
            let sql = format!("INSERT INTO {table} ({columns}) VALUES (1, {number}, 1{content})");
            database.run(&sql).await;
            assert_eq!(handle.contents(1).await.len(), number, "{}", handle.name());
            let len = handle.streams.get_stream_items(1).count().await.unwrap();
            assert_eq!(len, number, "{}", handle.name());
        }
    }
}

/// The capacity of MEDIUMTEXT.
const LONGEST: usize = 16_777_215;

async fn content_larger_than_the_column_is_refused(database: TestDatabase) {
    // The server accepts such a statement, so the column is the limit.
    if database.backend() == DbBackend::MySql {
        database.run("SET GLOBAL max_allowed_packet = 67108864").await;
    }
    let Some((_login, handles)) = set(&database, Setting::LaxMode, 2).await else { return };
    for handle in handles {
        let streams = handle.streams.clone().with_max_content_len(32 << 20);
        for users in [vec![1], vec![1, 2]] {
            let add = streams.add_stream_item(users, "x".repeat(LONGEST + 1));
            let error = add.await.map(drop).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidContent, "{}: {error:?}", handle.name());
            assert!(!error.is_retryable(), "{}", handle.name());
        }
        assert_eq!(handle.stored_total(&database).await, 0, "{}", handle.name());
    }
}

async fn content_as_large_as_the_column_is_stored_completely(database: TestDatabase) {
    if database.backend() == DbBackend::MySql {
        database.run("SET GLOBAL max_allowed_packet = 67108864").await;
    }
    let Some((_login, handles)) = set(&database, Setting::LaxMode, 2).await else { return };
    for handle in handles {
        let streams = handle.streams.clone().with_max_content_len(32 << 20);
        streams.add_stream_item(1, "x".repeat(LONGEST)).await.unwrap();
        assert_eq!(handle.contents(1).await[0].len(), LONGEST, "{}", handle.name());
    }
}

async fn texts_are_not_converted_to_numbers_without_strict_mode(database: TestDatabase) {
    let Some((login, handles)) = set(&database, Setting::LaxMode, 2).await else { return };
    database.run("CREATE TABLE people (id BIGINT NOT NULL PRIMARY KEY)").await;
    database.run("INSERT INTO people VALUES (1), (2)").await;
    let elsewhere = connect(&login.url, 1).await;
    for handle in handles {
        for name in ["zoë", "1st", ""] {
            let names = || {
                let query =
                    Query::select().expr(Expr::val(name)).from(Alias::new("people")).to_owned();
                Users::query(query)
            };
            for query in [names(), names().on(&elsewhere)] {
                let added = handle.streams.add_stream_item(query, "to names").await;
                assert!(added.is_err(), "{}: to {name:?}: {added:?}", handle.name());
                assert_eq!(handle.stored_total(&database).await, 0, "{}", handle.name());
            }
        }
    }
}

async fn the_oracle_mode_is_supported(database: TestDatabase) {
    if database.backend() != DbBackend::MySql {
        return;
    }
    let Some(login) = Login::create(&database, Setting::OracleMode).await else { return };
    for layout in LAYOUTS {
        let config = SingleTableConfig::new(&login.url);
        let handle = handles::own_unmigrated(layout, config).await.migrated().await;
        assert_eq!(handle.add([1, 2], "item").await, 2);
        assert_eq!(handle.contents(1).await, ["item"]);
        assert_eq!(handle.streams.delete_stream(1).await.unwrap(), 1);
    }
}

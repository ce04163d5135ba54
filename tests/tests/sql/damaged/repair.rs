//! `repair_stream`, and what else works among damaged rows.

use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, DbBackend};
use user_streams_core::{ErrorKind, NewItem};

use super::rows::{AT, Row, execute, handles, readable, store, store_mixed};
use crate::{
    database::{TestDatabase, connect},
    faults::{
        eventually,
        handles::{Handle, Layout},
        start, within,
    },
};

crate::tests![
    repair_deletes_what_cannot_be_read_and_nothing_else,
    a_stream_can_be_deleted_among_damaged_rows,
    purge_works_among_damaged_rows,
    repair_waits_for_an_add_that_stores_the_missing_item,
    an_add_that_begins_during_a_repair_delivers_anew,
    an_add_beside_repair_is_not_lost,
    a_row_that_was_replaced_since_it_was_read_stays,
    an_add_that_meets_a_damaged_item_names_it,
];

async fn all(handle: &Handle, user: i64) -> Vec<String> {
    let items = handle.streams.get_stream_items(user).await;
    let items = items.unwrap_or_else(|error| panic!("{}: {error:?}", handle.name()));
    items.into_iter().map(|item| item.content).collect()
}

async fn repair_deletes_what_cannot_be_read_and_nothing_else(database: TestDatabase) {
    for [failing, skipping] in handles(&database.config()).await {
        let name = failing.name();
        let damaged = store_mixed(&database, &failing, 1).await;
        assert_eq!(store_mixed_again(&database, &failing, 2).await, 3);
        assert_eq!(
            failing.streams.get_stream_items(1).await.unwrap_err().kind(),
            ErrorKind::Corrupt
        );
        assert_eq!(failing.streams.repair_stream(1).await.unwrap(), damaged, "{name}");
        assert_eq!(all(&failing, 1).await, readable(), "{name}");
        assert_eq!(failing.streams.get_stream_items(1).count().await.unwrap(), 700, "{name}");
        assert_eq!(failing.streams.repair_stream(1).await.unwrap(), 0, "{name}: again");
        // That of another user is as it was.
        assert_eq!(failing.stored(&database, 2).await, 4, "{name}");
        assert_eq!(all(&skipping, 2).await, ["readable"], "{name}");
        // No placeholder stays.
        if failing.layout == Layout::ManyToMany {
            let left = format!("SELECT COUNT(*) FROM {name}_items WHERE content LIKE 'the place%'");
            assert_eq!(database.number(&left).await, 0, "{name}");
        }
        assert_eq!(failing.streams.repair_stream(77).await.unwrap(), 0, "{name}: nobody");
    }
}

/// A few damaged rows and a readable one; returns the number of damaged ones.
async fn store_mixed_again(database: &TestDatabase, handle: &Handle, user: i64) -> u64 {
    let rows = [
        Row::new(AT, 0, "'no id'"),
        Row::new(1 << 60, 3, "'late'"),
        Row::new(AT + 2, -1, "'negative'"),
        Row::new(AT + 99_999, 4, "'readable'"),
    ];
    store(database, handle, user, &rows).await;
    rows.len() as u64 - 1
}

async fn a_stream_can_be_deleted_among_damaged_rows(database: TestDatabase) {
    for [failing, _] in handles(&database.config()).await {
        let damaged = store_mixed(&database, &failing, 1).await;
        assert_eq!(failing.streams.delete_stream(1).await.unwrap(), 700 + damaged);
        assert_eq!(failing.stored_total(&database).await, 0, "{}", failing.name());
        assert_eq!(failing.add(1, "after").await, 1);
        assert_eq!(all(&failing, 1).await, ["after"]);
    }
}

async fn purge_works_among_damaged_rows(database: TestDatabase) {
    for [failing, _] in handles(&database.config()).await {
        if failing.layout != Layout::ManyToMany {
            continue;
        }
        let (name, table) = (failing.name(), &failing.table);
        store_mixed_again(&database, &failing, 1).await;
        store_mixed_again(&database, &failing, 2).await;
        assert_eq!(failing.streams.purge().await.unwrap(), 0, "{name}");
        assert_eq!(failing.streams.repair_stream(1).await.unwrap(), 3, "{name}");
        assert_eq!(failing.streams.purge().await.unwrap(), 0, "{name}: of user 2");
        assert_eq!(failing.streams.repair_stream(2).await.unwrap(), 3, "{name}");
        assert_eq!(failing.streams.purge().await.unwrap(), 3, "{name}");
        let items = database.number(&format!("SELECT COUNT(*) FROM {table}_items")).await;
        assert_eq!(items, 1, "{name}");
        assert_eq!(all(&failing, 2).await, ["readable"], "{name}");
    }
}

/// Whether a session of this database waits for a lock.
async fn a_session_waits(database: &TestDatabase) -> bool {
    let sql = match database.backend() {
        DbBackend::Postgres => {
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND \
             wait_event_type = 'Lock'"
        }
        // The list of lock waits is not updated while it is read often. No statement here takes a
        // second without one.
        _ => {
            "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND \
             command <> 'Sleep' AND id <> CONNECTION_ID() AND time >= 1"
        }
    };
    database.number(sql).await > 0
}

/// An add of another process has stored the item, has found the delivery there, and commits last.
async fn repair_waits_for_an_add_that_stores_the_missing_item(database: TestDatabase) {
    for [failing, _] in handles(&database.config()).await {
        if failing.layout != Layout::ManyToMany || database.backend() == DbBackend::Sqlite {
            continue;
        }
        let name = failing.name().to_owned();
        store(&database, &failing, 1, &[Row::without_item(AT, 5), Row::without_item(AT, 6)]).await;
        let add = connect(&database.url, 1).await;
        let insert = format!(
            "INSERT INTO {name}_items (created_at_us, id, content) VALUES ({AT}, 5, 'stored')"
        );
        for sql in ["BEGIN", &insert] {
            add.execute_unprepared(sql).await.unwrap();
        }
        let repair = start(failing.streams.repair_stream(1));
        eventually(5.0, &name, async || a_session_waits(&database).await).await;
        add.execute_unprepared("COMMIT").await.unwrap();
        assert_eq!(within(5.0, &name, repair.end()).await.unwrap(), 1, "{name}");
        assert_eq!(all(&failing, 1).await, ["stored"], "{name}");
        add.close().await.unwrap();
    }
}

/// A trigger holds the repair at its delete.
async fn an_add_that_begins_during_a_repair_delivers_anew(database: TestDatabase) {
    for [failing, _] in handles(&database.config()).await {
        if failing.layout != Layout::ManyToMany || database.backend() == DbBackend::Sqlite {
            continue;
        }
        let (name, item) = (failing.name(), NewItem::new("stored"));
        let slow = match database.backend() {
            DbBackend::Postgres => vec![
                "CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN \
                 PERFORM pg_sleep(2); RETURN OLD; END'"
                    .to_owned(),
                format!(
                    "CREATE TRIGGER slow BEFORE DELETE ON {name} FOR EACH ROW EXECUTE FUNCTION \
                     slow()"
                ),
            ],
            _ => vec![format!(
                "CREATE TRIGGER slow_{name} BEFORE DELETE ON {name} FOR EACH ROW DO SLEEP(2)"
            )],
        };
        for sql in slow {
            database.run(&sql).await;
        }
        let (at, id) = (item.created_at_us(), item.id().get());
        store(&database, &failing, 1, &[Row::without_item(at, id)]).await;
        let repair = start(failing.streams.repair_stream(1));
        let sleeps = match database.backend() {
            DbBackend::Postgres => {
                "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND \
                 wait_event = 'PgSleep'"
            }
            _ => {
                "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND \
                 state = 'User sleep'"
            }
        };
        eventually(10.0, name, async || database.number(sleeps).await > 0).await;
        assert_eq!(within(20.0, name, failing.add([1, 2], item)).await, 2, "{name}");
        assert_eq!(repair.end().await.unwrap(), 1, "{name}");
        assert_eq!(all(&failing, 1).await, ["stored"], "{name}");
    }
}

async fn an_add_beside_repair_is_not_lost(database: TestDatabase) {
    for [failing, _] in handles(&database.config()).await {
        if failing.layout != Layout::ManyToMany {
            continue;
        }
        let name = failing.name();
        for round in 0..60 {
            let item = NewItem::new(format!("{round}"));
            let (at, id) = (item.created_at_us(), item.id().get());
            store(&database, &failing, round, &[Row::without_item(at, id)]).await;
            let repairs = join_all([(); 2].map(|()| failing.streams.repair_stream(round)));
            let adds = join_all([(); 2].map(|()| async {
                failing.add([round, -1 - round], item.clone()).await;
            }));
            let (repaired, _) = within(20.0, name, async { tokio::join!(repairs, adds) }).await;
            for repaired in repaired {
                repaired.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            }
            for user in [round, -1 - round] {
                assert_eq!(all(&failing, user).await, [item.content()], "{name}: round {round}");
            }
        }
    }
}

/// The transaction that deletes begins after the rows were read. Here it waits for another that
/// replaces the row.
async fn a_row_that_was_replaced_since_it_was_read_stays(database: TestDatabase) {
    for [failing, _] in handles(&database.config()).await {
        if database.backend() == DbBackend::Sqlite {
            continue;
        }
        // What is damaged here is the content alone, since a key is as it is for good.
        let name = failing.name().to_owned();
        let column = match failing.layout {
            Layout::SingleTable => failing.table.clone(),
            Layout::ManyToMany => format!("{}_items", failing.table),
        };
        super::foreign::allow_null(&database, &column).await;
        store(&database, &failing, 1, &[Row::new(AT, 5, "NULL"), Row::new(AT, 6, "NULL")]).await;
        let other = connect(&database.url, 1).await;
        let table = &failing.table;
        let lock = format!(
            "SELECT 1 FROM {table} WHERE user_id = 1 AND created_at_us = {AT} AND id = 5 FOR UPDATE"
        );
        let replace =
            format!("UPDATE {column} SET content = 'new' WHERE created_at_us = {AT} AND id = 5");
        for sql in ["BEGIN", &lock, &replace] {
            other.execute_unprepared(sql).await.unwrap();
        }
        let repair = start(failing.streams.repair_stream(1));
        eventually(5.0, &name, async || a_session_waits(&database).await).await;
        other.execute_unprepared("COMMIT").await.unwrap();
        assert_eq!(within(5.0, &name, repair.end()).await.unwrap(), 1, "{name}");
        assert_eq!(all(&failing, 1).await, ["new"], "{name}");
        other.close().await.unwrap();
    }
}

async fn an_add_that_meets_a_damaged_item_names_it(database: TestDatabase) {
    for [failing, _] in handles(&database.config()).await {
        if failing.layout != Layout::ManyToMany {
            continue;
        }
        let (name, items) = (failing.name(), format!("{}_items", failing.table));
        super::foreign::allow_null(&database, &items).await;
        let item = NewItem::new("item");
        failing.add(1, item.clone()).await;
        let damage = format!("UPDATE {items} SET content = NULL WHERE id = {}", item.id());
        assert_eq!(execute(&database, &damage).await, 1);
        let error = failing.streams.add_stream_item([1, 2], item.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{name}: {error:?}");
        let place = format!("id {}) of the table `{items}`", item.id());
        assert!(error.message().contains(&place), "{name}: {error}");
        assert_eq!(failing.stored(&database, 2).await, 0, "{name}");
        // As it says.
        assert_eq!(failing.streams.repair_stream(1).await.unwrap(), 1, "{name}");
        assert_eq!(failing.streams.purge().await.unwrap(), 1, "{name}");
        assert_eq!(failing.add([1, 2], item).await, 2, "{name}");
    }
}

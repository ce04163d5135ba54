//! Read-only servers and sessions.

use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, DbBackend};
use user_streams_core::ErrorKind;
use user_streams_single_table::SingleTableConfig;

use super::says;
use crate::{
    database::{TestDatabase, connect},
    faults::{
        handles::{self, Handle},
        own_server::OwnServer,
        within,
    },
};

crate::tests![
    read_only_sessions_are_reported_and_replaced,
    a_read_only_server_is_reported_and_accepts_writes_afterwards,
];

/// Each write fails with a clear error, and reads continue.
async fn refuses_writes(handle: &Handle) {
    let one = handle.streams.add_stream_item(1, "one").await.map(drop).unwrap_err();
    let many = handle.streams.add_stream_item([1, 2], "many").await.map(drop).unwrap_err();
    let delete = handle.streams.delete_stream(1).await.map(drop).unwrap_err();
    for error in [one, many, delete] {
        says(handle.name(), &error, ErrorKind::Connection, true, "read-only");
    }
    assert_eq!(handle.contents(1).await, ["before"], "{}", handle.name());
}

/// Opens each connection of the pool.
async fn read_concurrently(handle: &Handle) {
    join_all((0..8).map(|_| handle.items(1))).await;
}

async fn read_only_sessions_are_reported_and_replaced(database: TestDatabase) {
    if database.backend() != DbBackend::Postgres {
        return;
    }
    let (base, name) = database.url.rsplit_once('/').unwrap();
    // In another database, whose sessions may write.
    let admin = connect(&format!("{base}/postgres"), 1).await;
    let set = async |what: &str| {
        let sql = format!("ALTER DATABASE {name} {what}");
        admin.execute_unprepared(&sql).await.map(drop).unwrap();
    };
    for handle in handles::own(&database.config(), 4).await {
        handle.add(1, "before").await;
    }
    set("SET default_transaction_read_only = on").await;
    let mut readers = Vec::new();
    for layout in handles::LAYOUTS {
        let handle =
            handles::own_unmigrated(layout, database.config().with_max_connections(4)).await;
        refuses_writes(&handle).await;
        read_concurrently(&handle).await;
        readers.push(handle);
    }
    set("RESET default_transaction_read_only").await;
    // Existing sessions stay read-only: one call fails, and the pool discards them all.
    for handle in readers {
        let error = handle.streams.add_stream_item(1, "first").await.map(drop).unwrap_err();
        says(handle.name(), &error, ErrorKind::Connection, true, "read-only");
        for added in
            join_all((0..4).map(|_| handle.streams.add_stream_item([1, 2], "after").into_future()))
                .await
        {
            assert_eq!(added.unwrap().delivered, 2, "{}", handle.name());
        }
    }
}

async fn a_read_only_server_is_reported_and_accepts_writes_afterwards(database: TestDatabase) {
    if database.backend() != DbBackend::MySql {
        return;
    }
    let server = OwnServer::start("--skip-name-resolve").await;
    let admin = connect(&server.url, 1).await;
    let run = async |sql: &str| admin.execute_unprepared(sql).await.map(drop).unwrap();
    // Not a superuser, who can always write.
    run("CREATE USER 'us_app'@'%'").await;
    run("GRANT ALL ON user_streams.* TO 'us_app'@'%'").await;
    let config = SingleTableConfig::new(server.url.replace("root@", "us_app@"));
    let handles = handles::handles(&config, 2).await;
    for handle in &handles {
        handle.add(1, "before").await;
    }
    run("SET GLOBAL read_only = ON").await;
    for handle in &handles {
        within(10.0, handle.name(), refuses_writes(handle)).await;
        handle.streams.migrate().await.unwrap();
    }
    run("SET GLOBAL read_only = OFF").await;
    for handle in &handles {
        assert_eq!(handle.add([1, 2], "after").await, 2, "{}", handle.name());
    }
}

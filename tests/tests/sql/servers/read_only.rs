//! Servers and sessions that read only.

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
    sessions_that_read_only_say_so_and_are_replaced,
    a_server_that_is_read_only_says_so_and_takes_writes_again,
];

/// Each write says that the server takes none, and reads go on.
async fn takes_no_writes(handle: &Handle) {
    let one = handle.streams.add_stream_item(1, "one").await.map(drop).unwrap_err();
    let many = handle.streams.add_stream_item([1, 2], "many").await.map(drop).unwrap_err();
    let delete = handle.streams.delete_stream(1).await.map(drop).unwrap_err();
    for error in [one, many, delete] {
        says(handle.name(), &error, ErrorKind::Connection, true, "read-only");
    }
    assert_eq!(handle.contents(1).await, ["before"], "{}", handle.name());
}

/// So that each connection of the pool is there.
async fn read_at_once(handle: &Handle) {
    join_all((0..8).map(|_| handle.items(1))).await;
}

async fn sessions_that_read_only_say_so_and_are_replaced(database: TestDatabase) {
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
        takes_no_writes(&handle).await;
        read_at_once(&handle).await;
        readers.push(handle);
    }
    set("RESET default_transaction_read_only").await;
    // The sessions that are there stay as they are: one call finds out, and no other meets them.
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

async fn a_server_that_is_read_only_says_so_and_takes_writes_again(database: TestDatabase) {
    if database.backend() != DbBackend::MySql {
        return;
    }
    let Some(server) = OwnServer::start("--skip-name-resolve").await else { return };
    let admin = connect(&server.url, 1).await;
    let run = async |sql: &str| admin.execute_unprepared(sql).await.map(drop).unwrap();
    // Not a superuser, who may write always.
    run("CREATE USER 'us_app'@'%'").await;
    run("GRANT ALL ON user_streams.* TO 'us_app'@'%'").await;
    let config = SingleTableConfig::new(server.url.replace("root@", "us_app@"));
    let handles = handles::handles(&config, 2).await;
    for handle in &handles {
        handle.add(1, "before").await;
    }
    run("SET GLOBAL read_only = ON").await;
    for handle in &handles {
        within(10.0, handle.name(), takes_no_writes(handle)).await;
        handle.streams.migrate().await.unwrap();
    }
    run("SET GLOBAL read_only = OFF").await;
    for handle in &handles {
        assert_eq!(handle.add([1, 2], "after").await, 2, "{}", handle.name());
    }
}

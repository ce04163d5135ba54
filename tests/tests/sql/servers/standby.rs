//! A failover: a PostgreSQL standby, which is read-only until it is promoted.

use sea_orm::{ConnectionTrait, DbBackend};
use user_streams_core::ErrorKind;
use user_streams_single_table::SingleTableConfig;
use user_streams_test_servers::{Kind, Profile, Server, start};

use super::says;
use crate::{
    database::{TestDatabase, connect},
    faults::{eventually, handles},
};

crate::tests![a_standby_serves_reads_and_accepts_writes_when_promoted];

/// Turns it into a standby without a primary.
const STANDBY: &str = "DO $$ BEGIN EXECUTE format('COPY (SELECT 1) TO %L', \
                       current_setting('data_directory') || '/standby.signal'); END $$";

/// A server for the test alone.
async fn own_server() -> Server {
    let started =
        tokio::task::spawn_blocking(|| start(Kind::Postgres, Profile::Fast)).await.unwrap();
    started.unwrap()
}

async fn a_standby_serves_reads_and_accepts_writes_when_promoted(database: TestDatabase) {
    if database.backend() != DbBackend::Postgres {
        return;
    }
    let mut server = own_server().await;
    let config = SingleTableConfig::new(&server.url);
    let handles = handles::handles(&config, 3).await;
    for handle in &handles {
        handle.add(1, "before").await;
    }
    connect(&server.url, 1).await.execute_unprepared(STANDBY).await.unwrap();
    server = tokio::task::spawn_blocking(move || {
        server.terminate().unwrap();
        server.restart().unwrap();
        server
    })
    .await
    .unwrap();
    for handle in &handles {
        // The first call may find a connection dead that was used a moment ago.
        let read =
            || async { handle.streams.get_stream_items(1).count().await.is_ok_and(|len| len == 1) };
        eventually(5.0, format!("{}: a read", handle.name()), read).await;
        // There is nothing to do.
        handle.streams.migrate().await.unwrap();
        let one = handle.streams.add_stream_item(1, "one").await.map(drop).unwrap_err();
        let many = handle.streams.add_stream_item([1, 2], "many").await.map(drop).unwrap_err();
        for error in [one, many] {
            says(handle.name(), &error, ErrorKind::Connection, true, "read-only");
        }
    }
    let admin = connect(&server.url, 1).await;
    admin.execute_unprepared("SELECT pg_promote()").await.unwrap();
    for handle in &handles {
        let retried = || async { handle.streams.add_stream_item([1, 2], "after").await.is_ok() };
        eventually(5.0, format!("{}: an add", handle.name()), retried).await;
    }
}

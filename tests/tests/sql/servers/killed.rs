//! Statements and sessions that are killed, or ended by the server's own timeouts.

use sea_orm::DbBackend;
use user_streams_core::{ErrorKind, NewItem};

use super::says;
use crate::{
    database::TestDatabase,
    faults::{blocker::Blocker, eventually, handles, start, within},
};

crate::tests![a_killed_statement_is_retryable, a_killed_session_is_retryable,];

/// Kills an add that waits for a lock, and checks its error.
async fn end_by(database: &TestDatabase, kill: &str, kind: ErrorKind, words: &str) {
    for handle in handles::handles(&database.config(), 2).await {
        let item = NewItem::new("waits");
        let blocker = Blocker::of_deliveries(database, &handle, &[1], &item).await;
        let (streams, its) = (handle.streams.clone(), item.clone());
        let add = start(async move { streams.add_stream_item(1, its).await });
        let waiting = waiting(database, blocker.session);
        eventually(5.0, "an add that waits", || async { database.number(&waiting).await != 0 })
            .await;
        let session = database.number(&waiting).await;
        database
            .run(&format!("{kill}{session}{}", if kill.contains('(') { ")" } else { "" }))
            .await;
        let error = within(3.0, handle.name(), add.end()).await.map(drop).unwrap_err();
        says(handle.name(), &error, kind, true, words);
        blocker.release().await;
        assert_eq!(handle.add(1, item).await, 1, "{}", handle.name());
        assert_eq!(handle.contents(1).await, ["waits"], "{}", handle.name());
    }
}

/// The session that waits for the blocker; 0 if there is none.
fn waiting(database: &TestDatabase, blocker: i64) -> String {
    match database.backend() {
        DbBackend::Postgres => format!(
            "SELECT COALESCE(MAX(pid), 0)::bigint FROM pg_stat_activity WHERE datname = \
             current_database() \
             AND wait_event_type = 'Lock' AND pid <> {blocker}"
        ),
        _ => format!(
            "SELECT CAST(COALESCE(MAX(id), 0) AS SIGNED) FROM information_schema.processlist \
             WHERE db = DATABASE() AND command IN ('Query', 'Execute') AND time_ms > 50 \
             AND id NOT IN (CONNECTION_ID(), {blocker})"
        ),
    }
}

async fn a_killed_statement_is_retryable(database: TestDatabase) {
    let kill = match database.backend() {
        DbBackend::Postgres => "SELECT pg_cancel_backend(",
        DbBackend::MySql => "KILL QUERY ",
        _ => return,
    };
    end_by(&database, kill, ErrorKind::Timeout, "cancelled the statement").await;
}

async fn a_killed_session_is_retryable(database: TestDatabase) {
    let kill = match database.backend() {
        DbBackend::Postgres => "SELECT pg_terminate_backend(",
        DbBackend::MySql => "KILL ",
        _ => return,
    };
    end_by(&database, kill, ErrorKind::Connection, "").await;
}

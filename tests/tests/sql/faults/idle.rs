//! Idle connections that the server has closed: no call gets one.

use futures_util::future::join_all;
use sea_orm::DbBackend;
use tokio::time::sleep;

use super::{
    handles::{self, Handle},
    logins::{Login, Setting},
    seconds, sessions, within,
};
use crate::database::TestDatabase;

crate::tests![
    no_call_fails_after_the_server_has_closed_idle_connections,
    no_call_fails_after_the_server_was_restarted,
];

const CONNECTIONS: u32 = 10;
/// Connections are checked only after some idle time.
const IDLE: f64 = 6.0;

/// Uses every connection of the pool.
async fn use_all(handle: &Handle) {
    let calls = (0..30).map(|user| async move {
        handle.add(user, "before").await;
        handle.contents(user).await;
    });
    within(10.0, handle.name(), join_all(calls)).await;
}

/// Concurrent calls, twice, none of which fails.
async fn calls_after_idling(handle: &Handle) {
    let name = format!("{}: calls after idling", handle.name());
    let at_once = (0..4).map(|user| async move {
        assert!(!handle.contents(user).await.is_empty());
    });
    within(10.0, &name, join_all(at_once)).await;
    for user in 0..15 {
        within(5.0, &name, handle.contents(user)).await;
        assert_eq!(within(5.0, &name, handle.add([user, user + 30], "after")).await, 2);
    }
}

async fn no_call_fails_after_the_server_has_closed_idle_connections(database: TestDatabase) {
    // Applies to new connections.
    let (url, _login) = match database.backend() {
        DbBackend::Postgres => {
            let name = database.url.rsplit_once('/').unwrap().1;
            let sql = format!("ALTER DATABASE {name} SET idle_session_timeout = '2s'");
            database.run(&sql).await;
            (database.url.clone(), None)
        }
        DbBackend::MySql => {
            let login = Login::create(&database, Setting::ShortWait).await.unwrap();
            (login.url.clone(), Some(login))
        }
        _ => return,
    };
    let mut config = database.config();
    config.url = url;
    let handles = handles::handles(&config, CONNECTIONS).await;
    join_all(handles.iter().map(use_all)).await;
    sleep(seconds(IDLE)).await;
    join_all(handles.iter().map(calls_after_idling)).await;
}

async fn no_call_fails_after_the_server_was_restarted(database: TestDatabase) {
    if database.backend() == DbBackend::Sqlite {
        return;
    }
    let handles = handles::handles(&database.config(), CONNECTIONS).await;
    join_all(handles.iter().map(use_all)).await;
    sessions::end_all(&database).await;
    sleep(seconds(IDLE)).await;
    join_all(handles.iter().map(calls_after_idling)).await;
}

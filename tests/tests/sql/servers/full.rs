//! A server that refuses logins, or further sessions.

use std::time::Duration;

use sea_orm::DbBackend;
use user_streams_core::{Error, ErrorKind};
use user_streams_single_table::{SingleTableBackend, SingleTableConfig};

use super::{role::Role, says};
use crate::{database::TestDatabase, faults::within};

crate::tests![
    a_login_with_too_many_sessions_is_a_clear_error,
    a_refused_login_is_a_clear_error_at_once,
    a_url_without_a_database_is_a_clear_error,
];

async fn connect(url: &str) -> Result<SingleTableBackend, Error> {
    let config = SingleTableConfig::new(url).with_max_connections(1);
    SingleTableBackend::connect(config.with_connect_timeout(Duration::from_secs(1))).await
}

async fn a_login_with_too_many_sessions_is_a_clear_error(database: TestDatabase) {
    let options = match database.backend() {
        DbBackend::Postgres => "CONNECTION LIMIT 1",
        _ => "WITH MAX_USER_CONNECTIONS 1",
    };
    let Some(role) = Role::create(&database, "full", options).await else { return };
    let first = connect(&role.url).await.unwrap();
    let error = within(3.0, "connecting", connect(&role.url)).await.unwrap_err();
    says("the second", &error, ErrorKind::Connection, true, "too many sessions");
    // It connects as soon as the other session has ended.
    let waits = tokio::spawn(async move { connect(&role.url).await.map(|_| role) });
    tokio::time::sleep(Duration::from_millis(300)).await;
    user_streams_core::backend::Backend::close(&first).await.unwrap();
    within(3.0, "connecting", waits).await.unwrap().unwrap();
}

async fn a_refused_login_is_a_clear_error_at_once(database: TestDatabase) {
    let Some(role) = Role::create(&database, "refused", "").await else { return };
    let url = match database.backend() {
        // The tests' server does not check passwords.
        DbBackend::Postgres => role.url.replace("us_refused", "us_nobody"),
        _ => {
            database.run(&format!("ALTER USER {} IDENTIFIED BY 's3cr3t'", role.name)).await;
            role.url.replace('@', ":wr0ng@")
        }
    };
    let error = within(0.9, "connecting", connect(&url)).await.unwrap_err();
    says("refused", &error, ErrorKind::InvalidSettings, false, "refused the login");
    assert!(!format!("{error:?}").contains("wr0ng"), "{error:?}");
}

async fn a_url_without_a_database_is_a_clear_error(database: TestDatabase) {
    if database.backend() != DbBackend::MySql {
        return;
    }
    let (base, _) = database.url.rsplit_once('/').unwrap();
    let error = connect(base).await.unwrap_err();
    says("without", &error, ErrorKind::InvalidSettings, false, "names no database");
    // An application may have opened its own pool like that.
    let pool = crate::database::connect(base, 1).await;
    let backend = SingleTableBackend::new(pool, SingleTableConfig::default()).unwrap();
    let error = user_streams_core::backend::Backend::migrate(&backend).await.unwrap_err();
    says("its pool without", &error, ErrorKind::InvalidSettings, false, "names no database");
}

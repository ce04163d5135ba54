//! Unusable databases: a clear error, and no data loss.

use std::{fs, time::Duration};

use sea_orm::DbBackend;
use user_streams_core::{Error, ErrorKind, Settings, Streams, backend::Backend};
use user_streams_single_table::{SingleTableBackend, SingleTableConfig};

use crate::database::TestDatabase;

crate::tests![
    a_missing_database_is_a_clear_error,
    a_file_that_is_no_database_is_not_changed,
    a_damaged_file_is_distinguished_from_an_empty_one,
    an_unknown_option_names_the_known_ones,
    a_statement_that_hangs_ends_by_its_timeout,
    a_closed_backend_is_a_clear_error,
    an_application_s_pool_is_used_as_it_is,
];

async fn connect(url: String) -> Result<SingleTableBackend, Error> {
    SingleTableBackend::connect(
        SingleTableConfig::new(url).with_connect_timeout(Duration::from_secs(5)),
    )
    .await
}

fn has(error: &Error, kind: ErrorKind, words: &str) {
    assert_eq!(error.kind(), kind, "{error:?}");
    assert!(error.to_string().contains(words), "{error}");
    assert_eq!(error.backend(), Some("single-table"), "{error}");
}

async fn a_missing_database_is_a_clear_error(database: TestDatabase) {
    if database.backend() == DbBackend::Sqlite {
        let path = database.directory.path();
        let missing = connect(format!("sqlite://{}/missing.db", path.display())).await.unwrap_err();
        has(&missing, ErrorKind::Connection, "mode=rwc");
        let no_directory =
            connect(format!("sqlite://{}/no/such.db?mode=rwc", path.display())).await.unwrap_err();
        has(&no_directory, ErrorKind::Connection, "cannot be opened");
        return;
    }
    let (base, _) = database.url.rsplit_once('/').unwrap();
    let error = connect(format!("{base}/no_such_database")).await.unwrap_err();
    has(&error, ErrorKind::InvalidSettings, "database");
    // Nothing listens on this port.
    let (scheme, _) = base.split_once("://").unwrap();
    let error = connect(format!("{scheme}://root@127.0.0.1:1/x")).await.unwrap_err();
    has(&error, ErrorKind::Connection, "");
    assert!(error.is_retryable());
}

async fn a_file_that_is_no_database_is_not_changed(database: TestDatabase) {
    let path = database.directory.path().join("letter.txt");
    let text = "Dear reader, this is no database.\n".repeat(100);
    fs::write(&path, &text).unwrap();
    let error = connect(format!("sqlite://{}?mode=rwc", path.display())).await.unwrap_err();
    has(&error, ErrorKind::Corrupt, "not a SQLite database");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

async fn a_damaged_file_is_distinguished_from_an_empty_one(database: TestDatabase) {
    let path = database.directory.path().join("damaged.db");
    let url = format!("sqlite://{}?mode=rwc", path.display());
    let streams = Streams::from_backend(connect(url.clone()).await.unwrap());
    streams.migrate().await.unwrap();
    for n in 0..200 {
        streams.add_stream_item(1, format!("{n} {}", "x".repeat(500))).await.unwrap();
    }
    streams.close().await.unwrap();
    let mut bytes = fs::read(&path).unwrap();
    // All pages but the first, which has the schema.
    bytes[4096..].fill(0xff);
    fs::write(&path, bytes).unwrap();
    let streams = Streams::from_backend(connect(url).await.unwrap());
    let error = streams.get_stream_items(1).await.unwrap_err();
    has(&error, ErrorKind::Corrupt, "damaged");
    assert!(!error.is_retryable());
}

async fn an_unknown_option_names_the_known_ones(database: TestDatabase) {
    let settings =
        Settings::new(format!("single-table+{}", database.url)).with_option("usr_id", "uuid");
    let error = Streams::connect(settings).await.unwrap_err();
    has(&error, ErrorKind::InvalidSettings, "usr_id");
    assert!(error.to_string().contains("user_id"), "{error}");
    let settings =
        Settings::new(format!("single-table+{}", database.url)).with_option("user_id", "guid");
    let error = Streams::connect(settings).await.unwrap_err();
    has(&error, ErrorKind::InvalidSettings, "user_id: ");
}

async fn a_statement_that_hangs_ends_by_its_timeout(database: TestDatabase) {
    database.single_table().await.migrate().await.unwrap();
    let lock = match database.backend() {
        DbBackend::Sqlite => "BEGIN EXCLUSIVE",
        DbBackend::Postgres => "BEGIN; LOCK TABLE user_streams_single_table",
        _ => "LOCK TABLES user_streams_single_table WRITE",
    };
    // The lock stays as long as its connection.
    let blocker = crate::database::connect(&database.url, 1).await;
    sea_orm::ConnectionTrait::execute_unprepared(&blocker, lock).await.unwrap();
    let config = database.config().with_operation_timeout(Duration::from_millis(300));
    let streams = Streams::from_backend(SingleTableBackend::connect(config).await.unwrap());
    let error = streams.add_stream_item(1, "waits").await.map(|_| ()).unwrap_err();
    let kind = if database.backend() == DbBackend::Sqlite {
        ErrorKind::Conflict
    } else {
        ErrorKind::Timeout
    };
    has(&error, kind, "0.3 s");
    assert!(error.is_retryable());
    blocker.close().await.unwrap();
    // The add has taken full effect or none.
    assert!(streams.get_stream_items(1).count().await.unwrap() <= 1);
}

async fn a_closed_backend_is_a_clear_error(database: TestDatabase) {
    let backend = database.single_table().await;
    backend.migrate().await.unwrap();
    let streams = Streams::from_backend(backend);
    streams.close().await.unwrap();
    let error = streams.get_stream_items(1).await.unwrap_err();
    has(&error, ErrorKind::Connection, "closed");
}

async fn an_application_s_pool_is_used_as_it_is(database: TestDatabase) {
    let backend = SingleTableBackend::new(database.connection.clone(), database.config()).unwrap();
    backend.migrate().await.unwrap();
    let streams = Streams::from_backend(backend);
    streams.add_stream_item([1, 2, 3], "shared").await.unwrap();
    assert_eq!(database.number("SELECT COUNT(*) FROM user_streams_single_table").await, 3);
}

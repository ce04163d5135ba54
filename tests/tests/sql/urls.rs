//! URLs: parameters take effect, and an error says what is supported.

use std::{io, time::Duration};

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tokio::{
    io::{AsyncReadExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use user_streams_core::{Error, ErrorKind, Settings, Streams};
use user_streams_single_table::{SingleTableBackend, SingleTableConfig};

use crate::database::TestDatabase;

crate::tests![
    an_address_of_ipv6_is_connected_to,
    an_unknown_parameter_is_refused_with_the_known_ones,
    settings_of_a_session_reach_the_server,
    the_startup_parameters_are_accepted_by_poolers,
    a_path_may_have_spaces_and_escapes,
    a_database_in_memory_is_shared_by_its_connections,
    a_unix_socket_is_connected_to,
    a_url_without_a_file_says_how_to_write_one,
    a_read_only_file_is_read_and_not_written,
];

async fn connect(url: &str) -> Result<Streams, Error> {
    Ok(Streams::from_backend(SingleTableBackend::connect(SingleTableConfig::new(url)).await?))
}

/// Migrates, adds and reads.
async fn works(url: &str) -> Result<(), Error> {
    let streams = connect(url).await?;
    streams.migrate().await?;
    streams.add_stream_item([1, 2], "Hello").await?;
    assert_eq!(streams.get_stream_items(1).count().await?, 1);
    streams.close().await
}

/// Forwards connections to an IPv6 address.
async fn listen_on_ipv6(server: String) -> io::Result<u16> {
    let listener = TcpListener::bind("[::1]:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let server = server.clone();
            tokio::spawn(async move {
                let mut server = TcpStream::connect(server).await?;
                copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    Ok(port)
}

async fn an_address_of_ipv6_is_connected_to(database: TestDatabase) {
    if database.backend() == DbBackend::Sqlite {
        return;
    }
    let (base, name) = database.url.rsplit_once('/').unwrap();
    let (login, server) = base.rsplit_once('@').unwrap();
    let port = listen_on_ipv6(server.to_owned()).await.unwrap();
    works(&format!("{login}@[::1]:{port}/{name}")).await.unwrap();
}

async fn an_unknown_parameter_is_refused_with_the_known_ones(database: TestDatabase) {
    let (url, _) = database.url.split_once('?').unwrap_or((&database.url, ""));
    let cases: &[(&str, &str)] = match database.backend() {
        DbBackend::Sqlite => &[("mod=rwc", "`mode`"), ("mode=rwx", "`rwc`")],
        DbBackend::Postgres => &[
            ("sslmod=verify-full", "`sslmode`"),
            ("sslmode=verify_full", "`verify-full`"),
            ("currentSchema=app", "search_path"),
        ],
        _ => &[("sslmod=verify_ca", "`ssl-mode`"), ("ssl-mode=verify-ca", "`VERIFY_CA`")],
    };
    for (query, expected) in cases {
        for backend in ["single-table", "many-to-many"] {
            let settings = Settings::new(format!("{backend}+{url}?{query}"));
            let error = Streams::connect(settings).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidSettings, "{query}: {error}");
            assert!(error.to_string().contains(expected), "{query}: {error}");
            assert!(!error.is_retryable());
        }
    }
}

async fn settings_of_a_session_reach_the_server(database: TestDatabase) {
    match database.backend() {
        DbBackend::Postgres => {
            database.run("CREATE SCHEMA app").await;
            works(&format!("{}?options=-c%20search_path%3Dapp", database.url)).await.unwrap();
            assert_eq!(
                database.number("SELECT COUNT(*) FROM app.user_streams_single_table").await,
                2
            );
        }
        DbBackend::MySql => {
            works(&format!("{}?collation=utf8mb4_bin&timezone=%2B02:00", database.url))
                .await
                .unwrap();
        }
        _ => works(&format!("{}&cache=private", database.url)).await.unwrap(),
    }
}

/// By default PgBouncer refuses all other startup parameters.
async fn the_startup_parameters_are_accepted_by_poolers(database: TestDatabase) {
    if database.backend() != DbBackend::Postgres {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://u@{}/db?sslmode=disable", listener.local_addr().unwrap());
    let config = SingleTableConfig::new(url).with_connect_timeout(Duration::from_millis(500));
    let (first, refused) = tokio::join!(
        async {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut message = vec![0; client.read_i32().await.unwrap() as usize - 4];
            client.read_exact(&mut message).await.unwrap();
            message
        },
        SingleTableBackend::connect(config),
    );
    refused.map(drop).unwrap_err();
    // After the version, names and values in turn; then an empty name.
    let texts: Vec<_> = first[4..].split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
    let mut names: Vec<_> =
        texts.chunks(2).map(|pair| &*pair[0]).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    // The options are the marker of decision 20. If it is refused the backend connects without it:
    // see poolers.rs.
    let expected = [
        "DateStyle",
        "TimeZone",
        "application_name",
        "client_encoding",
        "database",
        "options",
        "user",
    ];
    assert_eq!(names, expected);
}

async fn a_path_may_have_spaces_and_escapes(database: TestDatabase) {
    if database.backend() != DbBackend::Sqlite {
        return;
    }
    let directory = database.directory.path().join("my dir");
    std::fs::create_dir(&directory).unwrap();
    let directory = directory.display().to_string();
    for (path, file) in [("x.db", "x.db"), ("a%20b%3F%23.db", "a b?#.db"), ("ä+@.db", "ä+@.db")] {
        works(&format!("sqlite://{directory}/{path}?mode=rwc")).await.unwrap();
        assert!(std::path::Path::new(&directory).join(file).exists(), "{file}");
        // Another spelling of the same path opens the same file.
        let escaped = directory.replace(' ', "%20");
        let streams = connect(&format!("sqlite:{escaped}/{path}")).await.unwrap();
        assert_eq!(streams.get_stream_items(1).count().await.unwrap(), 1);
    }
}

async fn a_database_in_memory_is_shared_by_its_connections(database: TestDatabase) {
    if database.backend() != DbBackend::Sqlite {
        return;
    }
    for url in [
        "sqlite::memory:",
        "sqlite://:memory:",
        "sqlite://?mode=memory",
        "sqlite://of its own?mode=memory",
    ] {
        works(url).await.unwrap();
    }
    // With a name it is shared by all handles.
    let url = "sqlite://shared%20feeds?mode=memory";
    let (first, second) = (connect(url).await.unwrap(), connect(url).await.unwrap());
    first.migrate().await.unwrap();
    first.add_stream_item(1, "Hello").await.unwrap();
    assert_eq!(second.get_stream_items(1).count().await.unwrap(), 1);
    let private = connect(&format!("{url}&cache=private")).await.unwrap();
    assert_eq!(
        private.get_stream_items(1).count().await.unwrap_err().kind(),
        ErrorKind::NotMigrated
    );
}

async fn a_unix_socket_is_connected_to(database: TestDatabase) {
    // The throwaway PostgreSQL has none.
    if database.backend() != DbBackend::MySql {
        return;
    }
    let (base, name) = database.url.rsplit_once('/').unwrap();
    let (login, _) = base.rsplit_once('@').unwrap();
    let statement = Statement::from_string(database.backend(), "SELECT CAST(@@socket AS CHAR)");
    let row = database.connection.query_one_raw(statement).await.unwrap().unwrap();
    let socket: String = row.try_get_by_index(0).unwrap();
    works(&format!("{login}@/{name}?socket={socket}")).await.unwrap();
}

async fn a_url_without_a_file_says_how_to_write_one(database: TestDatabase) {
    if database.backend() != DbBackend::Sqlite {
        return;
    }
    for url in ["sqlite://", "sqlite:", "sqlite://?mode=rwc"] {
        let error = connect(url).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSettings, "{url}: {error}");
        assert!(error.to_string().contains("`sqlite://feeds.db?mode=rwc`"), "{url}: {error}");
    }
}

async fn a_read_only_file_is_read_and_not_written(database: TestDatabase) {
    if database.backend() != DbBackend::Sqlite {
        return;
    }
    works(&database.url).await.unwrap();
    let copy = database.directory.path().join("copy.db");
    database.run(&format!("VACUUM INTO '{}'", copy.display())).await;
    let before = std::fs::read(&copy).unwrap();
    // One file with a write-ahead log, and the copy, which has none.
    let original = database.directory.path().join("test.db");
    for (file, query) in [(&original, "mode=ro"), (&copy, "mode=ro"), (&copy, "immutable=true")] {
        let streams = connect(&format!("sqlite://{}?{query}", file.display())).await.unwrap();
        assert_eq!(streams.get_stream_items(1).await.unwrap()[0].content, "Hello", "{query}");
        let error = streams.add_stream_item(1, "no").await.map(drop).unwrap_err();
        assert!(error.to_string().contains("read-only"), "{query}: {error}");
        streams.close().await.unwrap();
    }
    assert_eq!(std::fs::read(&copy).unwrap(), before);
    let files: Vec<_> = std::fs::read_dir(database.directory.path()).unwrap().flatten().collect();
    assert!(files.iter().all(|file| file.file_name() != "copy.db-wal"), "{files:?}");
}

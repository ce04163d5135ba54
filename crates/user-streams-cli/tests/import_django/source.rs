//! A database, or keys in Redis, with what the original has stored.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use tempfile::TempDir;
use user_streams_sql::sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use user_streams_test_servers as servers;

use crate::redis;

/// What the streams are stored in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
    MySql,
    Redis,
}

pub(crate) const KINDS: &[Kind] = &[Kind::Sqlite, Kind::Postgres, Kind::MySql, Kind::Redis];
pub(crate) const DATABASES: &[Kind] = &[Kind::Sqlite, Kind::Postgres, Kind::MySql];

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::MySql => "mysql",
            Self::Redis => "redis",
        }
    }

    pub(crate) fn server(self) -> Option<servers::Kind> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(servers::Kind::Postgres),
            Self::MySql => Some(servers::Kind::Mysql),
            Self::Redis => Some(servers::Kind::Redis),
        }
    }
}

/// The text of a file that the original's code has written.
pub(crate) fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/django").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What the original has stored, for one test.
pub(crate) struct Source {
    pub(crate) kind: Kind,
    pub(crate) url: String,
    /// What no other test's tables, roles and keys begin with.
    pub(crate) name: String,
    pub(crate) directory: TempDir,
    server: String,
}

impl Source {
    pub(crate) async fn create(kind: Kind) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("us_dj_{}_{id}", std::process::id());
        let directory = tempfile::tempdir().unwrap();
        let server = kind.server().map(|kind| servers::url(kind).unwrap()).unwrap_or_default();
        let url = match kind {
            Kind::Sqlite => format!("sqlite://{}/django.db", directory.path().display()),
            Kind::Redis => server.clone(),
            Kind::Postgres | Kind::MySql => {
                run(&server, &format!("CREATE DATABASE {name}")).await;
                format!("{}/{name}", server.rsplit_once('/').unwrap().0)
            }
        };
        let source = Self { kind, url, name, directory, server };
        match kind {
            Kind::Redis => redis::store(&source.url, &source.name).await,
            Kind::Sqlite => {
                run(&format!("{}?mode=rwc", source.url), &fixture("sqlite.sql")).await;
            }
            Kind::Postgres | Kind::MySql => {
                let dump = fixture(&format!("{}.sql", kind.name()));
                // Commands of psql, which the server does not know.
                let lines = dump.split('\n').filter(|line| !line.starts_with('\\'));
                source.run(&lines.collect::<Vec<_>>().join("\n")).await;
            }
        }
        source
    }

    /// Runs statements as the owner.
    pub(crate) async fn run(&self, sql: &str) {
        run(&self.url, sql).await;
    }

    /// The same URL with another login.
    pub(crate) fn url_of(&self, user: &str, password: &str) -> String {
        let (scheme, rest) = self.url.split_once("://").unwrap();
        let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        format!("{scheme}://{user}:{password}@{host}")
    }
}

pub(crate) async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.unwrap()
}

async fn run(url: &str, sql: &str) {
    let connection = connect(url).await;
    let shown: String = sql.chars().take(80).collect();
    connection.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{shown}: {error}"));
    connection.close().await.unwrap();
}

impl Drop for Source {
    fn drop(&mut self) {
        let (url, name) = (self.server.clone(), self.name.clone());
        let force = if self.kind == Kind::Postgres { " WITH (FORCE)" } else { "" };
        let kind = self.kind;
        let clean = async move {
            match kind {
                Kind::Sqlite => {}
                Kind::Redis => redis::delete(&url, &name).await,
                _ => run(&url, &format!("DROP DATABASE {name}{force}")).await,
            }
        };
        let runtime = move || tokio::runtime::Runtime::new().unwrap().block_on(clean);
        thread::spawn(runtime).join().unwrap();
    }
}

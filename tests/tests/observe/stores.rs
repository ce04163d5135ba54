//! The backends that are watched, each on a server or a file of its own.

use tempfile::TempDir;
use user_streams_core::{Settings, Streams, UserIdKind};
use user_streams_test_servers::{self as servers, Kind, cells};

/// A backend.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(crate) name: &'static str,
    /// The beginning of its URL, before that of its server.
    prefix: &'static str,
    server: Option<Kind>,
}

pub(crate) fn all() -> [Store; 5] {
    let store = |name, prefix, server| Store { name, prefix, server };
    [
        store("memory", "memory://", None),
        store("sqlite", "single-table+sqlite://", None),
        store("postgres", "many-to-many+", Some(Kind::Postgres)),
        store("mysql", "single-table+", Some(Kind::Mysql)),
        store("redis", "", Some(Kind::Redis)),
    ]
}

impl Store {
    pub(crate) fn is_unneeded(&self) -> bool {
        self.server.is_some_and(cells::is_unneeded)
    }

    /// Whether it has a pool, each of whose connections serves one call at a time.
    pub(crate) fn has_pool(&self) -> bool {
        !["memory", "redis"].contains(&self.name)
    }

    /// Connects, with a table or a key prefix of this test's own.
    pub(crate) async fn connect(
        &self,
        user_id: UserIdKind,
        directory: &TempDir,
        test: &str,
    ) -> Streams {
        let place = format!("us_observe_{test}_{}", std::process::id());
        let rest = match (self.server, self.name) {
            (Some(kind), _) => servers::url(kind).unwrap(),
            (None, "sqlite") => format!("{}/a.db?mode=rwc", directory.path().display()),
            _ => String::new(),
        };
        let settings = Settings::new(format!("{}{rest}", self.prefix));
        let settings = match self.name {
            "memory" => settings,
            "redis" => settings.with_option("key_prefix", place),
            _ => settings.with_option("table", place),
        };
        let settings = settings.with_option("user_id", user_id.as_str());
        let streams = Streams::connect(settings).await.unwrap();
        if self.name != "memory" {
            streams.migrate().await.unwrap();
        }
        streams
    }
}

/// A file of SQLite.
pub(crate) async fn sqlite(directory: &TempDir) -> Streams {
    let [_, sqlite, ..] = all();
    sqlite.connect(UserIdKind::BigInt, directory, "file").await
}

//! The cells of the matrix: a backend on a server.

use std::{env, path::Path, process};

use user_streams_core::{Error, ErrorKind, Registry, Result, Settings, UserIdKind};
use user_streams_testkit::Suite;

/// One cell: where its store is, and which options give a run a place of its own there.
#[derive(Debug, Clone, Copy)]
pub struct Cell {
    /// The name, which begins the names of its tests.
    pub name: &'static str,
    store: Store,
}

#[derive(Debug, Clone, Copy)]
enum Store {
    /// This process.
    Memory,
    /// A SQLite file, for the backend of this scheme.
    File(&'static str),
    /// A database of the server at the URL in this variable, with this before its scheme.
    Database(&'static str, &'static str),
    /// The Redis server or cluster at the URL in this variable.
    Redis(&'static str),
    /// The same server; what goes to several recipients is stored once.
    RedisSharedContent(&'static str),
}

const POSTGRES: &str = "USER_STREAMS_TEST_POSTGRES";
const MYSQL: &str = "USER_STREAMS_TEST_MYSQL";

/// Every cell.
pub const CELLS: &[Cell] = &[
    cell("memory", Store::Memory),
    cell("single-table/sqlite", Store::File("single-table+sqlite")),
    cell("single-table/postgres", Store::Database(POSTGRES, "single-table+")),
    cell("single-table/mysql", Store::Database(MYSQL, "single-table+")),
    cell("many-to-many/sqlite", Store::File("many-to-many+sqlite")),
    cell("many-to-many/postgres", Store::Database(POSTGRES, "many-to-many+")),
    cell("many-to-many/mysql", Store::Database(MYSQL, "many-to-many+")),
    cell("redis", Store::Redis("USER_STREAMS_TEST_REDIS")),
    cell("redis-shared-content", Store::RedisSharedContent("USER_STREAMS_TEST_REDIS")),
    cell("redis-cluster", Store::Redis("USER_STREAMS_TEST_REDIS_CLUSTER")),
];

const fn cell(name: &'static str, store: Store) -> Cell {
    Cell { name, store }
}

impl Cell {
    /// Whether it needs a server, and the variable of its URL then.
    pub fn variable(&self) -> Option<&'static str> {
        match self.store {
            Store::Memory | Store::File(_) => None,
            Store::Database(variable, _)
            | Store::Redis(variable)
            | Store::RedisSharedContent(variable) => Some(variable),
        }
    }

    /// The suite over this cell; files are made in `directory`.
    pub fn suite(self, directory: &Path) -> Suite {
        let directory = directory.to_owned();
        Suite::new(self.name, move |kind| {
            let settings = self.settings(kind, &directory);
            async move { Registry::linked().connect(&settings?).await }
        })
    }

    /// The settings for user ids of this kind, in a place that no other cell, kind or process uses.
    fn settings(self, kind: UserIdKind, directory: &Path) -> Result<Settings> {
        let place = format!("us_{}_{}_{kind}", process::id(), self.name.replace(['/', '-'], "_"));
        let settings = match self.store {
            Store::Memory => Settings::new("memory://"),
            Store::File(scheme) => {
                let file = directory.join(&place).with_extension("db");
                Settings::new(format!("{scheme}://{}?mode=rwc", file.display()))
                    .with_option("table", place)
            }
            Store::Database(variable, prefix) => {
                Settings::new(format!("{prefix}{}", url(variable)?)).with_option("table", place)
            }
            Store::Redis(variable) => {
                Settings::new(url(variable)?).with_option("key_prefix", place)
            }
            Store::RedisSharedContent(variable) => Settings::new(url(variable)?)
                .with_option("key_prefix", place)
                .with_option("shared_content_min_len", 0),
        };
        Ok(settings.with_option("user_id", kind.as_str()))
    }
}

fn url(variable: &str) -> Result<String> {
    env::var(variable).map_err(|error| {
        Error::new(
            ErrorKind::InvalidSettings,
            format!("this cell needs the URL of its server in {variable}: {error}"),
        )
    })
}

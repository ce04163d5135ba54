//! The stores that are measured.

use std::{env, path::Path};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use user_streams_core::{Settings, Streams};
use user_streams_test_servers::harness::{Cell, Engine, Layout};

/// A table, or a prefix of keys, in a file or on a server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Store {
    pub(crate) engine: Engine,
    pub(crate) layout: Layout,
    /// The URL for the drivers, without a backend's name.
    pub(crate) url: String,
    pub(crate) table: String,
    /// Whether SQLite's `synchronous` is `full`, so that an acknowledged add is durable, as on the
    /// servers.
    pub(crate) synchronous_full: bool,
    /// The Redis backend's option of this name.
    pub(crate) shared_content_min_len: Option<usize>,
}

impl Store {
    /// The store of this name in a cell; on SQLite it is a file in the directory.
    pub(crate) fn new(cell: &Cell, directory: &Path, name: &str) -> Result<Self> {
        let url = match cell.engine.server() {
            Some(server) => env::var(server.variable()).with_context(|| {
                format!("{} needs the URL of its server in {}", cell.name, server.variable())
            })?,
            None => {
                let file = directory.join(format!("{name}.db"));
                format!("sqlite://{}?mode=rwc", file.display())
            }
        };
        Ok(Self {
            engine: cell.engine,
            layout: cell.layout,
            url,
            table: format!("bench_{name}"),
            synchronous_full: false,
            shared_content_min_len: None,
        })
    }

    /// Connects the library.
    pub(crate) async fn streams(&self) -> Result<Streams> {
        self.live_streams(false).await
    }

    /// Connects the library, which is told what comes or not.
    pub(crate) async fn live_streams(&self, live: bool) -> Result<Streams> {
        let mut settings = match self.layout {
            Layout::SingleTable => Settings::new(format!("single-table+{}", self.url)),
            Layout::ManyToMany => Settings::new(format!("many-to-many+{}", self.url)),
            Layout::SortedSets => Settings::new(&self.url),
        };
        if let Some(bytes) = self.shared_content_min_len {
            settings = settings.with_option("shared_content_min_len", bytes);
        }
        let option = if self.engine.is_redis() { "key_prefix" } else { "table" };
        settings = settings.with_option(option, self.table.as_str());
        if self.synchronous_full {
            settings = settings.with_option("synchronous", "full");
        }
        // The hand-written programs do not convert to local time either.
        Ok(Streams::connect(settings.with_use_utc(true).with_live(live)).await?)
    }

    /// SQLite's `synchronous`.
    pub(crate) fn synchronous(&self) -> &'static str {
        if self.synchronous_full { "full" } else { "normal" }
    }

    /// The path of a SQLite file.
    pub(crate) fn file(&self) -> &str {
        let path = self.url.strip_prefix("sqlite://").unwrap_or(&self.url);
        path.split_once('?').map_or(path, |(path, _)| path)
    }

    /// The key of a user's stream in Redis.
    pub(crate) fn key(&self, user: i64) -> String {
        format!("{}:stream:{user}", self.table)
    }

    /// The key of a user's marks in Redis.
    pub(crate) fn marks_key(&self, user: i64) -> String {
        format!("{}:mark:{{{}}}", self.table, self.key(user))
    }

    /// The host and port of the Redis server.
    pub(crate) fn address(&self) -> Result<String> {
        let rest = self.url.strip_prefix("redis://");
        let rest = rest.context("the Redis program supports redis:// only")?;
        Ok(rest.split(['/', '?']).next().unwrap_or(rest).to_owned())
    }
}

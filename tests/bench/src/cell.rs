//! What is measured, and where its data is.

use std::{env, path::Path};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use user_streams_core::{Settings, Streams};

/// The kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
    Mysql,
    Redis,
}

/// How the streams are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Layout {
    SingleTable,
    ManyToMany,
    SortedSets,
}

/// A backend on a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    pub(crate) name: &'static str,
    pub(crate) engine: Engine,
    pub(crate) layout: Layout,
}

/// Every cell that has a baseline.
pub(crate) const CELLS: &[Cell] = &[
    cell("single-table/sqlite", Engine::Sqlite, Layout::SingleTable),
    cell("single-table/postgres", Engine::Postgres, Layout::SingleTable),
    cell("single-table/mysql", Engine::Mysql, Layout::SingleTable),
    cell("many-to-many/sqlite", Engine::Sqlite, Layout::ManyToMany),
    cell("many-to-many/postgres", Engine::Postgres, Layout::ManyToMany),
    cell("many-to-many/mysql", Engine::Mysql, Layout::ManyToMany),
    cell("redis", Engine::Redis, Layout::SortedSets),
];

const fn cell(name: &'static str, engine: Engine, layout: Layout) -> Cell {
    Cell { name, engine, layout }
}

/// The cells of these names, or all.
pub(crate) fn named(names: &[String]) -> Result<Vec<Cell>> {
    if let Some(unknown) = names.iter().find(|name| CELLS.iter().all(|cell| cell.name != *name)) {
        let known: Vec<_> = CELLS.iter().map(|cell| cell.name).collect();
        bail!("there is no benchmark of `{unknown}`; the cells are: {}", known.join(", "));
    }
    let asked = |cell: &&Cell| names.is_empty() || names.iter().any(|name| name == cell.name);
    Ok(CELLS.iter().filter(asked).copied().collect())
}

/// A place for data: a table, or a prefix of keys, in a file or on a server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) engine: Engine,
    pub(crate) layout: Layout,
    /// As the driver knows it.
    pub(crate) url: String,
    pub(crate) table: String,
    /// SQLite's `synchronous = full`: what was added is on the disk, as it is with the servers.
    pub(crate) full: bool,
    /// The option of this name, in Redis.
    pub(crate) shared_content_min_len: Option<usize>,
}

impl Cell {
    /// A place of this name; a SQLite place is a file of its own in the directory.
    pub(crate) fn place(&self, directory: &Path, name: &str) -> Result<Place> {
        let variable = match self.engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some("USER_STREAMS_TEST_POSTGRES"),
            Engine::Mysql => Some("USER_STREAMS_TEST_MYSQL"),
            Engine::Redis => Some("USER_STREAMS_TEST_REDIS"),
        };
        let url = match variable {
            Some(variable) => env::var(variable).with_context(|| {
                format!("{} needs the URL of its server in {variable}", self.name)
            })?,
            None => {
                let file = directory.join(format!("{name}.db"));
                format!("sqlite://{}?mode=rwc", file.display())
            }
        };
        let (engine, layout, table) = (self.engine, self.layout, format!("bench_{name}"));
        Ok(Place { engine, layout, url, table, full: false, shared_content_min_len: None })
    }
}

impl Place {
    /// Our handle on it.
    pub(crate) async fn streams(&self) -> Result<Streams> {
        let mut settings = match self.layout {
            Layout::SingleTable => Settings::new(format!("single-table+{}", self.url)),
            Layout::ManyToMany => Settings::new(format!("many-to-many+{}", self.url)),
            Layout::SortedSets => Settings::new(&self.url),
        };
        if let Some(bytes) = self.shared_content_min_len {
            settings = settings.with_option("shared_content_min_len", bytes);
        }
        let option = if self.engine == Engine::Redis { "key_prefix" } else { "table" };
        settings = settings.with_option(option, self.table.as_str());
        if self.full {
            settings = settings.with_option("synchronous", "full");
        }
        // As with the programs beside it, which make no local time of it.
        Ok(Streams::connect(settings.with_use_utc(true)).await?)
    }

    /// The path of a SQLite place.
    pub(crate) fn file(&self) -> &str {
        let path = self.url.strip_prefix("sqlite://").unwrap_or(&self.url);
        path.split_once('?').map_or(path, |(path, _)| path)
    }

    /// The key of a user's stream in Redis.
    pub(crate) fn key(&self, user: i64) -> String {
        format!("{}:user:{user}", self.table)
    }

    /// The host and the port of a Redis place.
    pub(crate) fn address(&self) -> Result<String> {
        let rest =
            self.url.strip_prefix("redis://").context("the Redis baseline knows redis:// only")?;
        Ok(rest.split(['/', '?']).next().unwrap_or(rest).to_owned())
    }
}

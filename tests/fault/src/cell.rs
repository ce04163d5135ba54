//! A backend on a server.

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};
use user_streams_test_servers::Kind;

/// The kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
    Mysql,
    Redis,
    RedisCluster,
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

/// Every cell.
pub(crate) const CELLS: &[Cell] = &[
    cell("single-table/sqlite", Engine::Sqlite, Layout::SingleTable),
    cell("single-table/postgres", Engine::Postgres, Layout::SingleTable),
    cell("single-table/mysql", Engine::Mysql, Layout::SingleTable),
    cell("many-to-many/sqlite", Engine::Sqlite, Layout::ManyToMany),
    cell("many-to-many/postgres", Engine::Postgres, Layout::ManyToMany),
    cell("many-to-many/mysql", Engine::Mysql, Layout::ManyToMany),
    cell("redis", Engine::Redis, Layout::SortedSets),
    cell("redis-cluster", Engine::RedisCluster, Layout::SortedSets),
];

const fn cell(name: &'static str, engine: Engine, layout: Layout) -> Cell {
    Cell { name, engine, layout }
}

/// The cells of these names, or all.
pub(crate) fn named(names: &[String]) -> Result<Vec<Cell>> {
    if let Some(unknown) = names.iter().find(|name| CELLS.iter().all(|cell| cell.name != *name)) {
        let known: Vec<_> = CELLS.iter().map(|cell| cell.name).collect();
        bail!("there are no fault trials of `{unknown}`; the cells are: {}", known.join(", "));
    }
    let asked = |cell: &&Cell| names.is_empty() || names.iter().any(|name| name == cell.name);
    Ok(CELLS.iter().filter(asked).copied().collect())
}

impl Engine {
    /// Whether a database server with SQL is behind it.
    pub(crate) fn is_sql_server(self) -> bool {
        matches!(self, Self::Postgres | Self::Mysql)
    }

    /// Whether a broadcast is stored as a whole or not at all.
    pub(crate) fn is_sql(self) -> bool {
        self == Self::Sqlite || self.is_sql_server()
    }

    /// The server that it needs.
    pub(crate) fn server(self) -> Option<Kind> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(Kind::Postgres),
            Self::Mysql => Some(Kind::Mysql),
            Self::Redis => Some(Kind::Redis),
            Self::RedisCluster => Some(Kind::RedisCluster),
        }
    }
}

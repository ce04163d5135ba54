//! The cells of the test matrix that a harness sets up by itself.

use anyhow::Result;
use clap::Args;
use serde::{Deserialize, Serialize};

use super::select;
use crate::{
    Kind,
    cells::{self, CELLS},
};

/// The database of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Engine {
    /// A SQLite file.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// MariaDB, or MySQL.
    Mysql,
    /// One Redis server.
    Redis,
    /// A Redis Cluster.
    RedisCluster,
}

/// How a backend stores streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Layout {
    /// A row with the content for each delivery.
    SingleTable,
    /// A row for each delivery, and a table of items.
    ManyToMany,
    /// A sorted set for each user.
    SortedSets,
}

/// A backend on a database.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// Its name in the test matrix.
    pub name: &'static str,
    /// Its database.
    pub engine: Engine,
    /// Its layout.
    pub layout: Layout,
}

/// The flag that selects cells.
#[derive(Debug, Args)]
pub struct CellFlags {
    /// Only this cell (repeatable).
    #[arg(long = "cell", value_name = "NAME")]
    names: Vec<String>,
}

impl CellFlags {
    /// The named cells, or all, among those that the harness supports.
    pub fn cells(&self, is_supported: impl Fn(&Cell) -> bool) -> Result<Vec<Cell>> {
        let cells = Cell::all().filter(is_supported).collect();
        select("cell", cells, &self.names, |cell| cell.name)
    }
}

impl Cell {
    /// Every cell with a database and a layout of its own.
    pub fn all() -> impl Iterator<Item = Self> {
        CELLS.iter().filter_map(Self::new)
    }

    /// None for a backend without a database and for variants of a cell.
    fn new(cell: &cells::Cell) -> Option<Self> {
        let (layout, _) = cell.name.split_once('/').unwrap_or((cell.name, ""));
        let layout = match layout {
            "single-table" => Layout::SingleTable,
            "many-to-many" => Layout::ManyToMany,
            "redis" | "redis-cluster" => Layout::SortedSets,
            _ => return None,
        };
        let engine = match cell.server {
            None => Engine::Sqlite,
            Some(Kind::Postgres) => Engine::Postgres,
            Some(Kind::Mysql) => Engine::Mysql,
            Some(Kind::Redis) => Engine::Redis,
            Some(Kind::RedisCluster) => Engine::RedisCluster,
        };
        Some(Self { name: cell.name, engine, layout })
    }
}

impl Engine {
    /// The server that it needs, if any.
    pub fn server(self) -> Option<Kind> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(Kind::Postgres),
            Self::Mysql => Some(Kind::Mysql),
            Self::Redis => Some(Kind::Redis),
            Self::RedisCluster => Some(Kind::RedisCluster),
        }
    }

    /// Whether it is a database server with SQL.
    pub fn is_sql_server(self) -> bool {
        matches!(self, Self::Postgres | Self::Mysql)
    }

    /// Whether it has transactions: a broadcast is stored as a whole or not at all.
    pub fn is_sql(self) -> bool {
        self == Self::Sqlite || self.is_sql_server()
    }

    /// Whether it is Redis, a cluster or not.
    pub fn is_redis(self) -> bool {
        !self.is_sql()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_with_a_layout_of_its_own_has_its_database() {
        let cells: Vec<_> = Cell::all().collect();
        let names: Vec<_> = cells.iter().map(|cell| cell.name).collect();
        assert_eq!(
            names,
            [
                "single-table/sqlite",
                "single-table/postgres",
                "single-table/mysql",
                "many-to-many/sqlite",
                "many-to-many/postgres",
                "many-to-many/mysql",
                "redis",
                "redis-cluster",
            ]
        );
        for cell in cells {
            assert_eq!(cell.engine.is_redis(), cell.layout == Layout::SortedSets, "{}", cell.name);
        }
    }
}

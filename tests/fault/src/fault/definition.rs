//! What a fault is, and on which cells it can be injected.

use anyhow::Result;
use futures_util::future::BoxFuture;
use user_streams_test_servers::harness::{Cell, Engine};

use crate::{outcome::Outcome, trial::Trial};

/// A fault that trials inject.
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    /// Its description in the report.
    pub(crate) about: &'static str,
    /// Whether it can be injected into a cell.
    pub(crate) runs_on: fn(Cell) -> bool,
    /// The number of trials on each cell, without `--long` and with it.
    pub(crate) short: u64,
    pub(crate) long: u64,
    /// Whether it disturbs other trials on the same server.
    pub(crate) exclusive: bool,
    /// How many of the concurrent trials it counts as: more if it keeps a processor busy.
    pub(crate) weight: u32,
    pub(crate) run: fn(Trial) -> BoxFuture<'static, Result<Outcome>>,
}

pub(crate) fn everywhere(_: Cell) -> bool {
    true
}

pub(crate) fn has_server(cell: Cell) -> bool {
    cell.engine != Engine::Sqlite
}

/// Whether a proxy before the server is supported.
pub(crate) fn has_proxy(cell: Cell) -> bool {
    has_server(cell) && cell.engine != Engine::RedisCluster
}

pub(crate) fn is_sql_server(cell: Cell) -> bool {
    cell.engine.is_sql_server()
}

pub(crate) fn is_sql(cell: Cell) -> bool {
    cell.engine.is_sql()
}

pub(crate) fn is_sqlite(cell: Cell) -> bool {
    cell.engine == Engine::Sqlite
}

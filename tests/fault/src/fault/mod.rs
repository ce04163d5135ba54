//! The faults, one per file.

mod client_kill;
mod cut;
mod delay;
mod delete;
mod drop;
mod idle;
mod kill;
mod lock;
mod lost_answer;
mod partly;
mod pause;
mod recipients;
mod retry;
#[cfg(target_os = "linux")]
mod sqlite_full;
#[cfg(target_os = "linux")]
mod sqlite_io;
mod sqlite_lock;
mod sqlite_processes;
mod stall;
mod storm;
mod transaction;

use anyhow::Result;
use futures_util::future::BoxFuture;
use user_streams_test_servers::harness::{self, Cell, Engine};

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

/// Every fault, in the order of the report.
const FAULTS: &[&Fault] = &[
    &drop::FAULT,
    &transaction::FAULT,
    &cut::FAULT,
    &stall::FAULT,
    &delay::FAULT,
    &storm::FAULT,
    &lost_answer::FAULT,
    &lock::FAULT,
    &recipients::FAULT,
    &client_kill::FAULT,
    &retry::FAULT,
    &delete::FAULT,
    &idle::FAULT,
    &kill::KILL,
    &kill::RESTART,
    &pause::FAULT,
    &sqlite_lock::FAULT,
    #[cfg(target_os = "linux")]
    &sqlite_full::FAULT,
    #[cfg(target_os = "linux")]
    &sqlite_io::FAULT,
    &sqlite_processes::FAULT,
];

/// The faults of these names, or all.
pub(crate) fn select(names: &[String]) -> Result<Vec<&'static Fault>> {
    harness::select("fault", FAULTS.to_vec(), names, |fault| fault.name)
}

fn everywhere(_: Cell) -> bool {
    true
}

fn has_server(cell: Cell) -> bool {
    cell.engine != Engine::Sqlite
}

/// Whether a proxy before the server is supported.
fn has_proxy(cell: Cell) -> bool {
    has_server(cell) && cell.engine != Engine::RedisCluster
}

fn is_sql_server(cell: Cell) -> bool {
    cell.engine.is_sql_server()
}

fn is_sql(cell: Cell) -> bool {
    cell.engine.is_sql()
}

fn is_sqlite(cell: Cell) -> bool {
    cell.engine == Engine::Sqlite
}

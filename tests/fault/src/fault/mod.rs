//! The faults, a file each.

mod client_kill;
mod cut;
mod delay;
mod delete;
mod drop;
mod idle;
mod kill;
mod lock;
mod lost_answer;
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

use anyhow::{Result, bail};
use futures_util::future::BoxFuture;

use crate::{
    cell::{Cell, Engine},
    tally::Tally,
    trial::Trial,
};

/// A way in which something breaks.
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    /// For the page in the book.
    pub(crate) about: &'static str,
    /// Where it can happen.
    pub(crate) runs_on: fn(Cell) -> bool,
    /// Trials on each cell, in the short form and in the long one.
    pub(crate) short: u64,
    pub(crate) long: u64,
    /// Whether it disturbs others on the same server.
    pub(crate) alone: bool,
    /// How many trials it counts for among those that run at once: more if it keeps a processor
    /// busy.
    pub(crate) weight: u32,
    pub(crate) run: fn(Trial) -> BoxFuture<'static, Result<Tally>>,
}

/// Every fault, in the order of the table.
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
pub(crate) fn named(names: &[String]) -> Result<Vec<&'static Fault>> {
    if let Some(unknown) = names.iter().find(|name| FAULTS.iter().all(|fault| fault.name != *name))
    {
        let known: Vec<_> = FAULTS.iter().map(|fault| fault.name).collect();
        bail!("there is no fault `{unknown}`; the faults are: {}", known.join(", "));
    }
    let asked = |fault: &&&Fault| names.is_empty() || names.iter().any(|name| name == fault.name);
    Ok(FAULTS.iter().filter(asked).copied().collect())
}

fn everywhere(_: Cell) -> bool {
    true
}

fn has_server(cell: Cell) -> bool {
    cell.engine != Engine::Sqlite
}

/// Whether a proxy can stand before the server.
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

//! The faults, one per file.

mod audiences;
mod bulk;
mod client_kill;
mod copy;
mod cut;
mod definition;
mod delay;
mod delete;
mod drop;
mod http;
mod idle;
mod kill;
mod live;
mod lock;
mod lost_answer;
mod marks;
mod pause;
mod recipients;
mod removal;
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
mod trim;

use anyhow::Result;
use user_streams_test_servers::harness;

pub(crate) use definition::Fault;
use definition::{everywhere, has_proxy, has_server, is_sql, is_sql_server, is_sqlite};

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
    &marks::FAULT,
    &removal::FAULT,
    &audiences::FAULT,
    &http::FAULT,
    &live::LIVE,
    &live::SERVER,
    &bulk::FAULT,
    &trim::FAULT,
    &copy::COPY,
    &copy::SLOTS,
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

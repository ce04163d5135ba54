//! One trial: a cell, a server, a seed.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context, Result};
use fastrand::Rng;
use tokio::task::spawn_blocking;
use user_streams_test_servers::{Server, harness::Cell};

use crate::{pgbouncer::PgBouncer, sync::lock};

/// A server that several trials share, or that one uses exclusively.
pub(crate) type SharedServer = Arc<Mutex<Server>>;

/// What a fault runs with.
#[derive(Clone)]
pub(crate) struct Trial {
    pub(crate) cell: Cell,
    /// None on SQLite.
    pub(crate) server: Option<SharedServer>,
    pub(crate) url: Option<String>,
    /// PgBouncer before the server.
    pub(crate) pooler: Option<Arc<PgBouncer>>,
    /// Where SQLite files are.
    pub(crate) directory: PathBuf,
    pub(crate) seed: u64,
    pub(crate) long: bool,
    pub(crate) without: Vec<String>,
}

impl Trial {
    /// The random numbers of its seed.
    pub(crate) fn rng(&self) -> Rng {
        Rng::with_seed(self.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xFA17)
    }

    /// Which of so many variants it is: consecutive seeds take turns.
    pub(crate) fn variant(&self, count: u64) -> u64 {
        self.seed % count
    }

    /// The value for the short form or for the long one.
    pub(crate) fn pick<T>(&self, short: T, long: T) -> T {
        if self.long { long } else { short }
    }

    /// Whether PgBouncer may run each transaction in another session, which a pool of sqlx does not
    /// support.
    pub(crate) fn pools_transactions(&self) -> bool {
        self.pooler.as_ref().is_some_and(|pgbouncer| pgbouncer.mode == "transaction")
    }

    /// A random duration between these milliseconds.
    pub(crate) fn between(rng: &mut Rng, from: u64, to: u64) -> Duration {
        Duration::from_millis(rng.u64(from..=to))
    }

    /// Controls the server, on a blocking thread.
    pub(crate) async fn on_server(
        &self,
        action: impl FnOnce(&mut Server) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let server = Arc::clone(self.server.as_ref().context("this cell has no server")?);
        spawn_blocking(move || action(&mut lock(&server))).await?
    }
}

//! One trial: a cell, a server, a seed.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context, Result};
use fastrand::Rng;
use tokio::task::spawn_blocking;
use user_streams_test_servers::Server;

use crate::{cell::Cell, front::Front, ledger::lock};

/// A server that several trials share, or that one has for itself.
pub(crate) type Shared = Arc<Mutex<Server>>;

/// What a fault is given.
#[derive(Clone)]
pub(crate) struct Trial {
    pub(crate) cell: Cell,
    /// None on SQLite.
    pub(crate) server: Option<Shared>,
    pub(crate) url: Option<String>,
    /// The pooler before it.
    pub(crate) pooler: Option<Arc<Front>>,
    /// Where a SQLite place is.
    pub(crate) directory: PathBuf,
    pub(crate) seed: u64,
    pub(crate) long: bool,
    pub(crate) without: Vec<String>,
}

impl Trial {
    /// The random numbers of this seed.
    pub(crate) fn rng(&self) -> Rng {
        Rng::with_seed(self.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xFA17)
    }

    /// Which of so many variants: one after the other as seeds count up.
    pub(crate) fn variant(&self, count: u64) -> u64 {
        self.seed % count
    }

    /// The short figure or the long one.
    pub(crate) fn pick<T>(&self, short: T, long: T) -> T {
        if self.long { long } else { short }
    }

    /// Whether a pooler gives each transaction another session, which an application's own pool of
    /// sqlx cannot bear.
    pub(crate) fn pools_transactions(&self) -> bool {
        self.pooler.as_ref().is_some_and(|front| front.mode == "transaction")
    }

    /// A time between these.
    pub(crate) fn between(rng: &mut Rng, from: u64, to: u64) -> Duration {
        Duration::from_millis(rng.u64(from..=to))
    }

    /// Does something to the server, which blocks.
    pub(crate) async fn on_server(
        &self,
        act: impl FnOnce(&mut Server) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let server = Arc::clone(self.server.as_ref().context("this cell has no server")?);
        spawn_blocking(move || act(&mut lock(&server))).await?
    }
}

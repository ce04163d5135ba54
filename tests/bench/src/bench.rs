//! What a workload runs with.

use std::{path::PathBuf, sync::Arc};

use anyhow::Result;
use indicatif::ProgressBar;
use user_streams_test_servers::harness::{Cell, Engine};

use crate::{
    fill,
    program::{self, Program},
    store::Store,
};

/// A cell to measure.
pub(crate) struct Bench {
    pub(crate) cell: Cell,
    pub(crate) quick: bool,
    pub(crate) bar: ProgressBar,
    pub(crate) directory: PathBuf,
}

impl Bench {
    /// How many rounds are measured by default.
    pub(crate) const ROUNDS: usize = 5;

    /// The value for the quick form or for the full one.
    pub(crate) fn pick<T>(&self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }

    /// Creates an empty store.
    pub(crate) async fn create_store(&self, name: &str) -> Result<Store> {
        let store = Store::new(&self.cell, &self.directory, name)?;
        fill::create(&store).await?;
        Ok(store)
    }

    /// The library and the two hand-written programs, each on an empty store of its own.
    pub(crate) async fn on_separate_stores(
        &self,
        name: &str,
        synchronous_full: bool,
    ) -> Result<(Vec<Store>, Vec<Arc<dyn Program>>)> {
        let mut stores = Vec::new();
        for program in ["ours", "same", "lean"] {
            let store = self.create_store(&format!("{name}_{program}")).await?;
            stores.push(Store { synchronous_full, ..store });
        }
        let programs = vec![
            program::ours(&stores[0]).await?,
            program::same_driver(&stores[1]).await?,
            program::lean(&stores[2]).await?,
        ];
        Ok((stores, programs))
    }

    /// The library and the two hand-written programs, all on this store.
    pub(crate) async fn on_one_store(store: &Store) -> Result<Vec<Arc<dyn Program>>> {
        Ok(vec![
            program::ours(store).await?,
            program::same_driver(store).await?,
            program::lean(store).await?,
        ])
    }

    /// Shows what is going on.
    pub(crate) fn status(&self, text: &str) {
        self.bar.set_message(format!("{} {text}", self.cell.name));
    }

    /// Removes the stores.
    pub(crate) async fn remove(&self, stores: &[Store]) -> Result<()> {
        self.status("cleaning up");
        for store in stores {
            match store.engine {
                Engine::Sqlite => {
                    for suffix in ["", "-wal", "-shm"] {
                        _ = std::fs::remove_file(format!("{}{suffix}", store.file()));
                    }
                }
                _ => fill::drop(store).await?,
            }
        }
        Ok(())
    }
}

//! A client process that copies everyone's streams, and prints a line for each place where it
//! could go on.

use std::sync::atomic::Ordering;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use user_streams_core::maintenance::UsersCursor;

use super::{Child, Work};
use crate::{fixture::Fixture, store::Store, trial::Trial};

/// What is copied where.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Copy {
    to: Store,
    after: Option<String>,
}

impl Child {
    /// Starts a copy from the fixture's store, from a place on, and waits until it has connected.
    pub(crate) async fn start_copy(
        trial: &Trial,
        fixture: &Fixture,
        to: &Store,
        after: Option<&UsersCursor>,
    ) -> Result<Self> {
        // It has two.
        fixture.other_pools.fetch_add(1, Ordering::Relaxed);
        let after = after.map(|place| place.as_str().to_owned());
        let work = Work::Copy(Copy { to: to.clone(), after });
        Self::spawn(trial, fixture, work, false).await
    }
}

/// Copies.
pub(super) async fn run(store: &Store, Copy { to, after }: Copy) -> Result<()> {
    let (from, to) = (store.streams().await?, to.streams().await?);
    println!("ready");
    let mut copy = from.copy_to(&to).on_progress(|so_far| {
        if let Some(place) = &so_far.next {
            println!("at {place}");
        }
    });
    if let Some(place) = after {
        copy = copy.after(UsersCursor::new(place));
    }
    match copy.await {
        Ok(copied) => println!("copied {}", copied.added),
        Err(error) => println!("failed 0 {:?}: {error}", error.kind()),
    }
    from.close().await?;
    Ok(to.close().await?)
}

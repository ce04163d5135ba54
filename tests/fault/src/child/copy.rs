//! A client process that copies everyone's streams, and prints a line for each place where it
//! could go on.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use user_streams_core::maintenance::UsersCursor;

use crate::store::Store;

/// What is copied where.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Copy {
    pub(super) to: Store,
    pub(super) after: Option<String>,
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

//! A client process that subscribes, and prints a line for each item.

use anyhow::Result;
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use user_streams_core::Cursor;

use crate::{posts::team_of, store::Store};

/// A subscriber: its number, its user, and the place from which it goes on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Subscriber {
    pub(crate) number: usize,
    pub(crate) user: i64,
    pub(crate) last: Cursor,
}

/// Subscribes, without end.
pub(super) async fn run(store: &Store, subscribers: Vec<Subscriber>) -> Result<()> {
    let streams = store.streams().await?;
    println!("ready");
    let mut set = JoinSet::new();
    for Subscriber { number, user, last } in subscribers {
        let items = streams.get_stream_items(store.user_id(user));
        let items = items.with_audiences([team_of(user).audience()]);
        set.spawn(async move {
            let mut live = items.subscribe_after(last);
            while let Some(item) = live.next().await {
                match item {
                    Ok(item) => println!("came {number} {} {}", item.cursor(), item.content),
                    Err(error) => println!("failed {number} {:?}: {error}", error.kind()),
                }
            }
        });
    }
    while let Some(task) = set.join_next().await {
        task?;
    }
    Ok(streams.close().await?)
}

//! A backend that does not tell what comes is asked from time to time; what this process adds it
//! tells itself.

use std::{collections::HashSet, pin::pin};

use chrono::Utc;
use futures_util::{
    StreamExt, TryStreamExt,
    future::{Either, select},
    stream,
};

use tokio::sync::mpsc;

use super::{
    board::Board,
    registry::{Subscribers, Told},
    telling::pass_on,
};
use crate::{
    Cursor, Name, Result, StreamItem, UserId,
    backend::{Capability, Hint, ListNewer, Position},
    feeds::Store,
    stream::Part,
    time,
};

/// How many users are asked about at a time.
const USERS: usize = 1_000;
/// How many items of theirs are listed. If there are more, each reads for itself.
const ITEMS: u64 = 10_000;
/// How many users are read at once where there is no better way.
const AT_ONCE: usize = 8;
/// How many items of each, at first.
const FEW: u64 = 8;

/// What is known of the streams that are subscribed to.
pub(super) struct Asking {
    /// Of those that may be stored late, the items that were told already.
    told: HashSet<(Option<Name>, UserId, Cursor)>,
    /// When the last answer was asked for, in microseconds.
    asked_us: i64,
}

impl Asking {
    pub(super) fn new() -> Self {
        Self { told: HashSet::new(), asked_us: time::micros(&Utc::now()) }
    }

    /// Asks once, and passes on what is new.
    pub(super) async fn ask(&mut self, board: &Board) -> Result<()> {
        let now = time::micros(&Utc::now());
        let since = Cursor::before_instant(board.settings.late_us(self.asked_us.min(now)));
        let mut found = HashSet::new();
        for (store, users) in board.subscribers(Subscribers::stores) {
            for some in users.chunks(USERS) {
                let newer = list_newer(&store, some, since).await?;
                if newer.len() as u64 >= ITEMS {
                    board.tell(store.name.as_ref(), some, &Told::Anything);
                    continue;
                }
                let name = &store.name;
                found.extend(newer.into_iter().map(|(user, item)| (name.clone(), user, item)));
            }
        }
        let hints: Vec<_> = found.difference(&self.told).cloned().collect();
        for (feed, user, item) in hints {
            let hint = Hint::new(feed).with_users(vec![user]).with_item(item);
            pass_on(board, hint).await;
        }
        (self.told, self.asked_us) = (found, now);
        Ok(())
    }

    /// Passes on what this process adds, until it is time to ask again.
    pub(super) async fn wait(&self, board: &Board, hints: &mut mpsc::Receiver<Hint>) {
        let interval = board.settings.poll_interval;
        // Up to a fifth more, so that processes do not keep step.
        let mut wait = pin!(tokio::time::sleep(interval.mul_f64(1.0 + fastrand::f64() / 5.0)));
        loop {
            match select(&mut wait, pin!(hints.recv())).await {
                Either::Left(_) => return,
                Either::Right((Some(hint), _)) => pass_on(board, hint).await,
                // Nobody is subscribed any more.
                Either::Right((None, _)) => return wait.await,
            }
        }
    }
}

/// The items of some users that are newer than a place, or [`ITEMS`] of them.
async fn list_newer(
    store: &Store,
    users: &[UserId],
    than: Cursor,
) -> Result<Vec<(UserId, Cursor)>> {
    if store.backend().capabilities().has(Capability::ListNewer) {
        return store.backend().list_newer(ListNewer::new(users.to_vec(), than, ITEMS)).await;
    }
    let newer: Vec<_> = users
        .iter()
        .map(|user| newer_of(Part::new(store, user.clone()), user.clone(), than))
        .collect();
    let mut newer = stream::iter(newer).buffer_unordered(AT_ONCE);
    let mut found = Vec::new();
    while let Some(mut some) = newer.try_next().await? {
        found.append(&mut some);
        if found.len() as u64 >= ITEMS {
            break;
        }
    }
    Ok(found)
}

async fn newer_of(part: Part, user: UserId, than: Cursor) -> Result<Vec<(UserId, Cursor)>> {
    let few = part.read(Position::Offset(0), FEW).await?;
    let mut places: Vec<_> = few.iter().map(StreamItem::cursor).collect();
    if places.len() as u64 == FEW && places.iter().all(|place| *place > than) {
        places = part.places(Some(than)).await?;
    }
    Ok(places
        .into_iter()
        .filter(|place| *place > than)
        .map(|place| (user.clone(), place))
        .collect())
}

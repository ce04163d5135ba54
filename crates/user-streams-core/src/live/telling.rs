//! A backend that tells what comes.

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{board::Board, registry::Told};
use crate::{
    Cursor, Name, Result, UserId,
    backend::{Capability, Contains, Hint, Hints},
    feeds::Store,
    stream::Part,
};

/// How many pairs are looked up at a time.
const PAIRS: usize = 1_000;
/// How many users are looked at at once where there is no better way.
const AT_ONCE: usize = 8;

/// Passes on what is told, until it is not any more.
pub(super) async fn pass_on_all(board: &Board, mut hints: Hints) {
    while let Some(Ok(hint)) = hints.next().await {
        pass_on(board, hint).await;
    }
}

/// Tells those who have subscribed to what a hint is about.
pub(super) async fn pass_on(board: &Board, hint: Hint) {
    let feed = hint.feed.as_ref();
    let among = board.subscribers(|subscribers| subscribers.among(feed, hint.users.as_deref()));
    let Some((store, users)) = among else { return };
    let Some(item) = hint.item else { return board.tell(feed, &users, &Told::Anything) };
    let has = match hint.users {
        Some(_) => Ok(users.clone()),
        None => who_has(&store, &users, item).await,
    };
    match has {
        Ok(users) => tell(board, &store, feed, &users, item).await,
        // They look themselves.
        Err(_) => board.tell(feed, &users, &Told::Anything),
    }
}

async fn tell(board: &Board, store: &Store, feed: Option<&Name>, users: &[UserId], item: Cursor) {
    if !board.subscribers(|subscribers| subscribers.is_shared(feed)) {
        return board.tell(feed, users, &Told::Place(item));
    }
    for user in users {
        let told = match Part::new(store, user.clone()).get(item).await {
            Ok(Some(item)) => Told::Item(item.into()),
            // It has been removed since.
            Ok(None) => continue,
            Err(_) => Told::Place(item),
        };
        board.tell(feed, std::slice::from_ref(user), &told);
    }
}

/// Those who have an item.
async fn who_has(store: &Store, users: &[UserId], item: Cursor) -> Result<Vec<UserId>> {
    let mut has = Vec::new();
    if store.backend().capabilities().has(Capability::Contains) {
        for some in users.chunks(PAIRS) {
            let pairs = some.iter().map(|user| (user.clone(), item)).collect();
            let there = store.backend().contains(Contains::new(pairs)).await?;
            let found = some.iter().zip(there).filter(|(_, there)| *there);
            has.extend(found.map(|(user, _)| user.clone()));
        }
        return Ok(has);
    }
    let looks: Vec<_> =
        users.iter().map(|user| has_item(Part::new(store, user.clone()), item)).collect();
    let there: Vec<_> = stream::iter(looks).buffered(AT_ONCE).try_collect().await?;
    has.extend(users.iter().zip(there).filter(|(_, there)| *there).map(|(user, _)| user.clone()));
    Ok(has)
}

async fn has_item(part: Part, item: Cursor) -> Result<bool> {
    Ok(part.get(item).await?.is_some())
}

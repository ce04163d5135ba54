//! Lists the users who have a stream.

mod place;
mod server;
mod slots;

use user_streams_core::{
    Result,
    backend::{ListUsers, UsersPage},
};

use self::place::Place;
use super::store::Store;

/// The most users of a part, about.
const MAX_LIMIT: u64 = 100_000;

/// About `limit` users, and from where on there may be more.
pub(crate) async fn list_users(store: &Store, query: ListUsers) -> Result<UsersPage> {
    let limit = usize::try_from(query.limit.clamp(1, MAX_LIMIT)).unwrap_or(1);
    let is_cluster = store.executor.is_cluster();
    let after = query.after.as_ref().map(|after| Place::parse(after, is_cluster)).transpose()?;
    let (users, next) = match after {
        Some(Place::Slot(slot)) => slots::list(store, slot, limit).await?,
        None if is_cluster => slots::list(store, 0, limit).await?,
        Some(Place::Server { run, cursor }) => server::list(store, run, cursor, limit).await?,
        None => server::list(store, String::new(), 0, limit).await?,
    };
    Ok(UsersPage::new(users, next.as_ref().map(Place::cursor)))
}

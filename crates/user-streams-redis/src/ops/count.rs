//! Counts the items of a stream.

use user_streams_core::{Result, backend::CountQuery};

use super::store::Store;
use crate::{client::command::Command, reply};

pub(crate) async fn count(store: &Store, query: CountQuery) -> Result<u64> {
    let command = Command::on_key("ZCARD", store.keys.stream(&query.user)?, []);
    reply::count(&store.executor.one(store.executor.deadline(), command).await?)
}

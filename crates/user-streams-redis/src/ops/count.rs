//! Counts the items of a stream: what is stored, damaged items too.

use user_streams_core::{Result, backend::CountQuery};

use super::store::Store;
use crate::{client::command::Command, reply};

pub(crate) async fn count(store: &Store, query: CountQuery) -> Result<u64> {
    let stream = store.stream(query.user)?;
    let command = Command::on_key("ZCARD", stream.key.clone(), []);
    match store.one(store.executor.deadline(), &stream, command).await {
        Ok(reply) => reply::count(&reply),
        Err(error) => store.on_corrupt.check(error).map(|()| 0),
    }
}

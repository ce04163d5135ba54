//! Whether streams have items, for many pairs.

use futures_util::{StreamExt, stream};
use user_streams_core::{Cursor, Result, backend::Contains};

use super::{
    batches::{BATCH, MAX_BATCHES},
    groups::groups,
    store::{Store, Stream},
};
use crate::{reply, scripts::contains::contains as ask};

/// An answer for a key of another type.
const FOREIGN: i64 = -1;

/// For each pair, in order, whether the item is there.
pub(crate) async fn contains(store: &Store, query: Contains) -> Result<Vec<bool>> {
    let pair = |(user, item)| Ok((store.stream(user)?, item));
    let pairs: Vec<(Stream, Cursor)> = query.pairs.into_iter().map(pair).collect::<Result<_>>()?;
    let mut answers = Vec::with_capacity(pairs.len());
    let batches: Vec<_> = pairs.chunks(BATCH).map(|pairs| batch(store, pairs)).collect();
    let mut batches = stream::iter(batches).buffered(MAX_BATCHES);
    while let Some(batch) = batches.next().await {
        answers.extend(batch?);
    }
    Ok(answers)
}

async fn batch(store: &Store, pairs: &[(Stream, Cursor)]) -> Result<Vec<bool>> {
    let keys: Vec<_> = pairs.iter().map(|(stream, _)| stream.key.clone()).collect();
    let groups = groups(store.executor.is_cluster(), &keys, |_| 0);
    let command = |group: &Vec<usize>| ask(group.iter().map(|&at| (keys[at].clone(), pairs[at].1)));
    let commands = groups.iter().map(command).collect();
    let replies = store.executor.all(store.executor.deadline(), commands).await?;
    let mut answers = vec![false; pairs.len()];
    for (group, reply) in groups.iter().zip(replies) {
        let reply = reply::array(reply)?;
        if reply.len() != group.len() {
            return Err(reply::unexpected());
        }
        for (&at, answer) in group.iter().zip(reply) {
            let answer = answer.as_i64().ok_or_else(reply::unexpected)?;
            if answer == FOREIGN {
                store.on_corrupt.check(pairs[at].0.of_another_type())?;
            }
            answers[at] = answer == 1;
        }
    }
    Ok(answers)
}

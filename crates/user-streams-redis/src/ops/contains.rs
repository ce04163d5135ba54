//! Whether streams have items, for many pairs.

use futures_util::{StreamExt, stream};
use user_streams_core::{Cursor, Result, backend::Contains};

use super::{
    batches::MAX_BATCHES,
    groups::{Group, batches},
    store::{Store, Stream},
};
use crate::{reply, scripts::contains::contains as ask};

/// An answer for a key of another type.
const FOREIGN: i64 = -1;

/// For each pair, in order, whether the item is there.
pub(crate) async fn contains(store: &Store, query: Contains) -> Result<Vec<bool>> {
    let pair = |(user, item)| Ok((store.stream(user)?, item));
    let pairs: Vec<(Stream, Cursor)> = query.pairs.into_iter().map(pair).collect::<Result<_>>()?;
    let slots: Vec<_> = pairs.iter().map(|(stream, _)| store.slot(&stream.key)).collect();
    let batches = batches(&slots, |_| 0);
    let asks: Vec<_> = batches.iter().map(|batch| ask_batch(store, &pairs, batch)).collect();
    let mut asks = stream::iter(asks).buffered(MAX_BATCHES);
    let mut answers = vec![false; pairs.len()];
    while let Some(answered) = asks.next().await {
        for (at, answer) in answered? {
            answers[at] = answer;
        }
    }
    Ok(answers)
}

/// The answers for some of the pairs, with their places.
async fn ask_batch(
    store: &Store,
    pairs: &[(Stream, Cursor)],
    batch: &[Group],
) -> Result<Vec<(usize, bool)>> {
    let pair = |&at: &usize| (pairs[at].0.key.clone(), pairs[at].1);
    let commands = batch.iter().map(|group| ask(group.rows.iter().map(pair))).collect();
    let replies = store.executor.all(store.executor.deadline(), commands).await?;
    let mut answers = Vec::new();
    for (group, reply) in batch.iter().zip(replies) {
        let reply = reply::array(reply)?;
        if reply.len() != group.rows.len() {
            return Err(reply::unexpected());
        }
        for (&at, answer) in group.rows.iter().zip(reply) {
            let answer = answer.as_i64().ok_or_else(reply::unexpected)?;
            if answer == FOREIGN {
                store.on_corrupt.check(pairs[at].0.of_another_type())?;
            }
            answers.push((at, answer == 1));
        }
    }
    Ok(answers)
}

//! Lists what is newer than a place in the streams of many users. A script answers with places
//! alone, for many users at a time.

use fred::types::Value;
use futures_util::{StreamExt, stream};
use user_streams_core::{
    Cursor, Result, StreamItem, UserId,
    backend::{ListNewer, Position, StreamQuery},
};

use super::{
    batches::MAX_BATCHES,
    groups::{Group, batches},
    page::page,
    store::{Store, Stream},
};
use crate::{
    reply,
    scripts::list_newer::list_newer as list,
    storage::member::{Member, SORT_KEY_LEN},
};

/// How many places a script lists: less than a millisecond of the server's time.
const PLACES: u64 = 2_000;
/// An answer for a key of another type.
const FOREIGN: i64 = -1;

/// Up to `limit` items, in no order.
pub(crate) async fn list_newer(store: &Store, query: ListNewer) -> Result<Vec<(UserId, Cursor)>> {
    let ListNewer { users, than, limit, .. } = query;
    let start = |user| Ok((store.stream(user)?, than));
    let mut left: Vec<(Stream, Cursor)> = users.into_iter().map(start).collect::<Result<_>>()?;
    let mut found = Vec::new();
    while !left.is_empty() && (found.len() as u64) < limit {
        let slots: Vec<_> = left.iter().map(|(stream, _)| store.slot(&stream.key)).collect();
        let batches = batches(&slots, |_| 0);
        let wanted = (limit - found.len() as u64).min(PLACES);
        let asks: Vec<_> = batches.iter().map(|batch| ask(store, &left, batch, wanted)).collect();
        let mut asks = stream::iter(asks).buffered(MAX_BATCHES);
        let mut next = Vec::new();
        while let Some(answer) = asks.next().await {
            let Answer { newer, left } = answer?;
            found.extend(newer);
            next.extend(left);
            if found.len() as u64 >= limit {
                break;
            }
        }
        drop(asks);
        left = next;
    }
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

#[derive(Default)]
struct Answer {
    newer: Vec<(UserId, Cursor)>,
    /// Where there may be more.
    left: Vec<(Stream, Cursor)>,
}

/// Asks for a batch of the streams.
async fn ask(
    store: &Store,
    streams: &[(Stream, Cursor)],
    batch: &[Group],
    limit: u64,
) -> Result<Answer> {
    let place = |&at: &usize| (streams[at].0.key.clone(), streams[at].1);
    let commands = batch.iter().map(|group| list(group.rows.iter().map(place), limit)).collect();
    let replies = store.executor.all(store.executor.deadline(), commands).await?;
    let mut answer = Answer::default();
    for (group, reply) in batch.iter().zip(replies) {
        let mut answers = reply::array(reply)?.into_iter();
        let has_more = reply::count(&answers.next().ok_or_else(reply::unexpected)?)? == 1;
        let mut rows = group.rows.iter().map(|&at| &streams[at]);
        let mut last = None;
        // In this order, since `zip` asks the first one first.
        for (newer, (stream, than)) in answers.zip(&mut rows) {
            let before = answer.newer.len();
            read(store, stream, *than, newer, limit, &mut answer.newer).await?;
            let newest = answer.newer[before..].last().map_or(*than, |(_, newest)| *newest);
            last = Some((stream.clone(), newest));
        }
        if has_more {
            answer.left.extend(last);
        }
        answer.left.extend(rows.cloned());
    }
    Ok(answer)
}

/// Adds what is newer in a stream.
async fn read(
    store: &Store,
    stream: &Stream,
    than: Cursor,
    newer: Value,
    limit: u64,
    to: &mut Vec<(UserId, Cursor)>,
) -> Result<()> {
    let places = match newer {
        Value::Integer(FOREIGN) => return store.on_corrupt.check(stream.of_another_type()),
        Value::Integer(_) => None,
        newer => {
            let newer = reply::bytes(newer)?;
            let place = |place: &[u8]| Member::parse(place).and_then(|it| it.cursor()).ok();
            let places: Option<Vec<_>> = newer.chunks(SORT_KEY_LEN).map(place).collect();
            // A member whose score is not its date may be out of its place.
            places.filter(|places| places.iter().all(|place| *place > than) && places.is_sorted())
        }
    };
    let places = match places {
        Some(places) => places,
        // What is damaged is named, or passed over, as in a page.
        None => {
            let query = StreamQuery::new(stream.user.clone(), limit);
            let items = page(store, query.with_position(Position::Before(than))).await?;
            items.iter().rev().map(StreamItem::cursor).collect()
        }
    };
    to.extend(places.into_iter().map(|place| (stream.user.clone(), place)));
    Ok(())
}

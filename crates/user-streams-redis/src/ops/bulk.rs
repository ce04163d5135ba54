//! Adds many items to many streams.
//!
//! The rows are sent in batches, a few at a time; a batch is a few scripts with many rows each, in
//! a cluster those of one slot. With shared content, an item that several rows have goes to them
//! as a broadcast does. Redis cannot roll a batch back: the rows of those that were sent stay.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use fred::bytes::Bytes;
use futures_util::{StreamExt, stream};
use user_streams_core::{
    Cursor, NewItem, Result, UserId,
    backend::{AddStreamItem, BulkAdd},
};

use super::{
    add::Add,
    batches::{MAX_BATCHES, with_progress},
    content_limit,
    groups::{Group, batches},
    store::Store,
    unreached::Unreached,
};
use crate::{
    client::command::Notice,
    reply,
    scripts::bulk::{Row, bulk},
};

type Rows = Vec<(UserId, NewItem)>;

/// Adds the rows, and returns how many were not there.
pub(crate) async fn bulk_add(store: &Arc<Store>, args: BulkAdd) -> Result<u64> {
    let rows = args.into_rows();
    let longest = rows.iter().map(|(_, item)| item.content().len()).max().unwrap_or(0);
    let deadline = store.executor.deadline();
    content_limit::check(&store.executor, deadline, longest).await?;
    let (rows, broadcasts) = divide(store, rows);
    let mut added = 0;
    let sent = send_all(store, &rows, broadcasts, &mut added).await;
    sent.map(|()| added).map_err(|error| {
        let progress = format!(
            "at least {added} rows were added, and adding the same rows again adds the others"
        );
        with_progress(error, &progress)
    })
}

async fn send_all(
    store: &Arc<Store>,
    rows: &[(UserId, NewItem)],
    broadcasts: Vec<AddStreamItem>,
    added: &mut u64,
) -> Result<()> {
    let adds = broadcasts.into_iter().map(async |args| Add::new(store, None, args)?.run().await);
    let mut adds = stream::iter(adds).buffered(MAX_BATCHES);
    while let Some(delivered) = adds.next().await {
        *added += delivered?;
    }
    let plain = rows.iter().map(|(_, item)| item.content().len()).max().unwrap_or(0);
    store.member_len.raise(plain);
    let mut unreached = Unreached::default();
    let streams = rows.iter().map(|(user, _)| store.keys.stream(user));
    let streams: Vec<_> = streams.collect::<Result<_>>()?;
    let slots: Vec<_> = streams.iter().map(|stream| store.slot(stream)).collect();
    let batches = batches(&slots, |at| rows[at].1.content().len());
    let sends: Vec<_> = batches.iter().map(|batch| send(store, &streams, rows, batch)).collect();
    let mut batches = stream::iter(sends).buffered(MAX_BATCHES);
    while let Some(sent) = batches.next().await {
        let (new, foreign) = sent?;
        *added += new;
        unreached.append(foreign);
    }
    match unreached.is_empty() {
        true => Ok(()),
        false => {
            let advice = "`repair_stream` or `delete_stream` clears such a key";
            Err(unreached.error(advice))
        }
    }
}

/// The rows that go into the streams, and the items that are shared by several users.
fn divide(store: &Store, rows: Rows) -> (Rows, Vec<AddStreamItem>) {
    let mut plain = Rows::new();
    let mut shared: HashMap<Cursor, Vec<(NewItem, Vec<UserId>)>> = HashMap::new();
    for (user, item) in rows {
        if !store.is_shared(item.content().len()) {
            plain.push((user, item));
            continue;
        }
        let items = shared.entry(item.cursor()).or_default();
        match items.iter_mut().find(|(other, _)| other.content() == item.content()) {
            Some((_, users)) => users.push(user),
            None => items.push((item, vec![user])),
        }
    }
    let mut broadcasts = Vec::new();
    for (item, mut users) in shared.into_values().flatten() {
        match users.len() {
            1 => plain.extend(users.pop().map(|user| (user, item))),
            // Core has checked the item.
            _ => broadcasts.extend(AddStreamItem::new(users, item)),
        }
    }
    (plain, broadcasts)
}

/// Sends a batch of these rows.
async fn send(
    store: &Store,
    streams: &[Bytes],
    rows: &[(UserId, NewItem)],
    batch: &[Group],
) -> Result<(u64, Unreached)> {
    let row = |&at: &usize| Row::new(streams[at].clone(), &rows[at].1);
    let command = |group: &Group| {
        let notice = notice(store, streams, rows, group);
        bulk(group.rows.iter().map(row), notice)
    };
    let commands = batch.iter().map(command).collect();
    let replies = store.executor.all(store.executor.deadline(), commands).await?;
    let (mut added, mut unreached) = (0, Unreached::default());
    for (group, reply) in batch.iter().zip(replies) {
        let (new, foreign) = reply::changed(reply)?;
        added += new;
        for at in foreign {
            let row = group.rows.get(at).ok_or_else(reply::unexpected)?;
            unreached.push(rows[*row].0.clone());
        }
    }
    Ok((added, unreached))
}

/// Whose streams get what, by the rows of a script.
fn notice(
    store: &Store,
    streams: &[Bytes],
    rows: &[(UserId, NewItem)],
    group: &Group,
) -> Option<Notice> {
    store.live.as_ref()?;
    let first = *group.rows.first()?;
    let item = rows[first].1.cursor();
    let is_one = group.rows.iter().all(|&at| rows[at].1.cursor() == item);
    let users: BTreeSet<_> = group.rows.iter().map(|&at| &rows[at].0).collect();
    store.notice(&streams[first..], users, is_one.then_some(item))
}

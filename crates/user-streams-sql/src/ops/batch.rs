//! Recipients in batches, each for one statement.

use std::time::Duration;

use tokio::time::timeout;
use user_streams_core::{
    Error, ErrorKind, Recipients, Result, UserId, UserIdKind,
    backend::{Chunk, RecipientChunks},
};

use crate::{
    Dialect,
    dialect::StoredId,
    fault::{self, Mechanism},
    pool::Executor,
};

/// Users in one statement: enough that its fixed cost is negligible, few enough that its ids have
/// some megabytes at most, however long they are.
pub(super) const fn size(kind: UserIdKind) -> usize {
    match kind {
        UserIdKind::Text => 10_000,
        _ => 100_000,
    }
}

/// The next batch, without duplicates, in the order of the primary key.
pub(super) async fn next(chunks: &mut RecipientChunks) -> Result<Option<Chunk>> {
    let mut chunk = chunks.next().await?;
    if let Some(chunk) = &mut chunk {
        chunk.users.sort_unstable();
        chunk.users.dedup();
    }
    Ok(chunk)
}

/// The same while a transaction is open, whose locks others may wait for.
pub(super) async fn next_within(
    chunks: &mut RecipientChunks,
    limit: Duration,
) -> Result<Option<Chunk>> {
    if !fault::is_active(Mechanism::Recipients) {
        return next(chunks).await;
    }
    timeout(limit, next(chunks)).await.unwrap_or_else(|_| {
        Err(Error::new(
            ErrorKind::Timeout,
            format!(
                "no recipients came for {} s (`recipients_timeout`) while the broadcast had a \
                 transaction open; nothing was stored",
                limit.as_secs_f64()
            ),
        ))
    })
}

/// All recipients, read before anything is written.
pub(super) async fn collect(mut chunks: RecipientChunks) -> Result<Recipients> {
    let mut users = Vec::new();
    while let Some(chunk) = chunks.next().await? {
        users.extend(chunk.users);
    }
    Ok(Recipients::iter(users))
}

/// Bytes of a statement beside its content and its user ids.
pub(super) const STATEMENT_OVERHEAD: usize = 1_024;

/// Bytes of content and user ids that a statement has room for.
pub(super) fn room(executor: &dyn Executor) -> usize {
    executor.max_packet().saturating_sub(STATEMENT_OVERHEAD)
}

/// Splits a batch into parts whose ids have at most `room` bytes as a parameter.
pub(super) fn split(dialect: Dialect, users: &[UserId], room: usize) -> Vec<&[UserId]> {
    // Only MySQL has a limit that matters.
    if dialect != Dialect::MySql || users.len().saturating_mul(MAX_JSON_ID) <= room {
        return vec![users];
    }
    let (mut parts, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (index, user) in users.iter().enumerate() {
        let length = json_length(user);
        if bytes + length > room && index > start {
            parts.push(&users[start..index]);
            (start, bytes) = (index, 0);
        }
        bytes += length;
    }
    parts.push(&users[start..]);
    parts
}

/// Bytes of the longest id in JSON: 255 bytes in hexadecimal, quotes and a comma.
const MAX_JSON_ID: usize = 255 * 2 + 3;

fn json_length(user: &UserId) -> usize {
    match StoredId::from(user) {
        StoredId::Int(_) => 21,
        StoredId::Uuid(_) => 35,
        StoredId::Text(id) => id.len() * 2 + 3,
        StoredId::Null => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_at_most_the_room_and_all_users() {
        let users: Vec<_> = (0..100).map(UserId::Int).collect();
        let sizes = |dialect, room| {
            let parts = split(dialect, &users, room);
            assert_eq!(parts.concat(), users);
            parts.iter().map(|part| part.len()).collect::<Vec<_>>()
        };
        assert_eq!(sizes(Dialect::MySql, 1 << 20), [100]);
        assert_eq!(sizes(Dialect::MySql, 21 * 40), [40, 40, 20]);
        assert_eq!(sizes(Dialect::MySql, 1), [1; 100]);
        assert_eq!(sizes(Dialect::Postgres, 1), [100]);
    }
}

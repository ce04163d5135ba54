//! Many items to many users, a part of them in each transaction.
//!
//! The rows of a part are in the order of the primary key, so that parts that are stored at once
//! wait for each other and do not deadlock.

use std::{ops::Range, sync::Arc};

use user_streams_core::{Error, ErrorKind, NewItem, Result, UserId, backend::BulkAdd};

use super::{Store, add::end_delivery, batch, store::room_for_ids};
use crate::{
    Dialect,
    dialect::{CopyRows, Row},
    error::{is_copy_unsupported, is_unique_violation},
    pool::Executor,
    schema::{BulkItems, InsertRows},
};

/// Rows of one transaction.
const PART_ROWS: usize = 10_000;
/// Bytes of one transaction, or of one statement, unless a single row has more.
const PART_BYTES: usize = 8 << 20;
const STATEMENT_BYTES: usize = 2 << 20;
/// Rows of values in one statement. Fewer are some powers of two, so that few statements are
/// prepared.
const VALUES_ROWS: usize = 256;
/// How often items may be purged between the insert that finds them and the lock.
const MAX_ATTEMPTS: u32 = 5;

/// A user and what comes into the user's stream.
type Delivery = (UserId, NewItem);

/// Stores the rows that are not there, and returns their number.
pub(crate) async fn bulk_add(store: &Arc<Store>, args: BulkAdd) -> Result<u64> {
    let rows = sorted(store, args)?;
    let limits = store.broadcast_limits();
    let size = |delivery: &Delivery| row(delivery, true).size();
    let mut added = 0;
    for part in parts(&rows, PART_ROWS, PART_BYTES, size) {
        let work = |executor| write(executor, Arc::clone(store), Arc::clone(&rows), part.clone());
        added += store.write(limits, work).await?;
    }
    Ok(added)
}

/// The rows, checked, without duplicates, in the order in which they are stored: by user, or where
/// items have a table of their own by item, so that each is in few parts.
pub(super) fn sorted(store: &Store, args: BulkAdd) -> Result<Arc<[Delivery]>> {
    let mut rows = args.into_rows();
    for (user, item) in &rows {
        user.check(store.schema.user_id)?;
        store.check_content_length(item)?;
    }
    if store.statements.has_content() {
        rows.sort_by(|(user, item), (other, than)| {
            user.cmp(other).then_with(|| item.cursor().cmp(&than.cursor()))
        });
    } else {
        rows.sort_by(|(user, item), (other, than)| {
            item.cursor().cmp(&than.cursor()).then_with(|| user.cmp(other))
        });
        let differs = |pair: &[Delivery]| {
            pair[0].1.cursor() == pair[1].1.cursor() && pair[0].1.content() != pair[1].1.content()
        };
        if let Some(pair) = rows.windows(2).find(|pair| differs(pair)) {
            return Err(other_item(&pair[0].1));
        }
    }
    rows.dedup_by(|(user, item), (other, than)| user == other && item.cursor() == than.cursor());
    Ok(rows.into())
}

/// Other content under the same key must not reach these users, nor be replaced.
fn other_item(item: &NewItem) -> Error {
    let message = format!(
        "two items have the id {} and the same `created_at`, but not the same content",
        item.id()
    );
    Error::new(ErrorKind::Conflict, message).with_retryable(false)
}

fn row((user, item): &Delivery, content: bool) -> Row<'_> {
    let content = content.then(|| item.content());
    Row { user: Some(user), created_at_us: item.created_at_us(), id: item.id().get(), content }
}

/// Splits rows into ranges of at most this many rows and bytes.
fn parts<T>(
    rows: &[T],
    max_rows: usize,
    max_bytes: usize,
    size: impl Fn(&T) -> usize,
) -> Vec<Range<usize>> {
    let (mut parts, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (index, row) in rows.iter().enumerate() {
        let more = size(row);
        if index > start && (index - start == max_rows || bytes + more > max_bytes) {
            parts.push(start..index);
            (start, bytes) = (index, 0);
        }
        bytes += more;
    }
    if start < rows.len() {
        parts.push(start..rows.len());
    }
    parts
}

/// Stores a part of the rows in one transaction.
pub(super) async fn write(
    mut executor: Box<dyn Executor + '_>,
    store: Arc<Store>,
    rows: Arc<[Delivery]>,
    part: Range<usize>,
) -> Result<u64> {
    let (executor, rows) = (&mut *executor, &rows[part]);
    for (_, item) in rows {
        room_for_ids(executor.max_packet(), item)?;
    }
    executor.begin().await?;
    let added = match deliver(executor, &store, rows).await {
        Ok(added) if added > 0 => tell(executor, &store, rows).await.map(|()| added),
        added => added,
    };
    end_delivery(executor, added).await
}

/// Tells whose streams have changed.
async fn tell(executor: &mut dyn Executor, store: &Store, rows: &[Delivery]) -> Result<()> {
    let Some(telling) = &store.telling else { return Ok(()) };
    let mut users: Vec<_> = rows.iter().map(|(user, _)| user.clone()).collect();
    users.sort_unstable();
    users.dedup();
    telling.items(&users).tell(executor).await
}

async fn deliver(executor: &mut dyn Executor, store: &Store, rows: &[Delivery]) -> Result<u64> {
    let bulk = &store.statements.bulk;
    let mut deliveries: Vec<_> =
        rows.iter().map(|delivery| row(delivery, bulk.items.is_none())).collect();
    if let Some(statements) = &bulk.items {
        let mut items: Vec<_> =
            rows.iter().map(|delivery| Row { user: None, ..row(delivery, true) }).collect();
        items.dedup_by_key(|row| (row.created_at_us, row.id));
        // Each table's rows in the order of its own primary key.
        items.sort_unstable_by_key(|row| (row.id, row.created_at_us));
        store_items(executor, store, statements, &items).await?;
        deliveries.sort_unstable_by_key(|row| (row.user, row.created_at_us, row.id));
    }
    insert(executor, store, &bulk.deliveries, &deliveries).await
}

/// Stores the items unless they exist, and locks them until the end of the transaction.
async fn store_items(
    executor: &mut dyn Executor,
    store: &Store,
    statements: &BulkItems,
    items: &[Row<'_>],
) -> Result<()> {
    let all = items.len() as u64;
    for _ in 0..MAX_ATTEMPTS {
        if insert(executor, store, &statements.insert, items).await? == all {
            return Ok(());
        }
        // The others are there already, or were purged meanwhile.
        let mut same = 0;
        for part in statement_parts(executor, items, PART_ROWS) {
            let source = Row::source(store.dialect(), store.schema.user_id, &items[part]);
            same += match &statements.count_same {
                Some(count) if !executor.can_query() => executor.execute(count, source).await?,
                _ => executor.query(&statements.same, source).await?.len() as u64,
            };
        }
        if same == all {
            return Ok(());
        }
    }
    let message = "another item has the id and the `created_at` of one of these, but another \
        content; nothing of this part was stored";
    Err(Error::new(ErrorKind::Conflict, message).with_retryable(false))
}

/// Ranges of rows that fit into a statement.
fn statement_parts(
    executor: &dyn Executor,
    rows: &[Row<'_>],
    max_rows: usize,
) -> Vec<Range<usize>> {
    let room = batch::room(executor).min(STATEMENT_BYTES);
    parts(rows, max_rows, room, Row::size)
}

/// Inserts those of the rows that are missing, and returns their number.
async fn insert(
    executor: &mut dyn Executor,
    store: &Store,
    statements: &InsertRows,
    rows: &[Row<'_>],
) -> Result<u64> {
    if let Some(rows) = CopyRows::any(statements.copy.as_deref(), rows)
        && executor.can_copy()
        && let Some(copied) = copy(executor, &rows).await?
    {
        return Ok(copied);
    }
    // In a script, a row of values has a variable for each of them.
    let values = statements.values.as_ref().filter(|_| executor.can_query());
    let max_rows = if values.is_some() { VALUES_ROWS } else { PART_ROWS };
    let mut inserted = 0;
    for part in statement_parts(executor, rows, max_rows) {
        let part = &rows[part];
        inserted += match values {
            Some(around) => insert_values(executor, store, statements, around, part).await?,
            None => insert_missing(executor, store, statements, part).await?,
        };
    }
    Ok(inserted)
}

/// Copies the rows on the assumption that none exists. `None`, without effect, if one exists, or if
/// the table does not support COPY.
async fn copy(executor: &mut dyn Executor, rows: &CopyRows<'_>) -> Result<Option<u64>> {
    executor.execute("SAVEPOINT user_streams_copy", Vec::new()).await?;
    let copied = match executor.copy(rows).await {
        Ok(copied) => Some(copied),
        Err(error) if is_unique_violation(&error) || is_copy_unsupported(&error) => None,
        Err(error) => return Err(error),
    };
    let end = if copied.is_some() { "RELEASE SAVEPOINT" } else { "ROLLBACK TO SAVEPOINT" };
    executor.execute(&format!("{end} user_streams_copy"), Vec::new()).await?;
    Ok(copied)
}

/// By statements of a power of two of rows.
async fn insert_values(
    executor: &mut dyn Executor,
    store: &Store,
    statements: &InsertRows,
    [before, after]: &[String; 2],
    mut rows: &[Row<'_>],
) -> Result<u64> {
    let dialect = store.dialect();
    let mut inserted = 0;
    while !rows.is_empty() {
        let (now, rest) = rows.split_at(1 << rows.len().ilog2());
        let values: Vec<_> = now.iter().flat_map(|row| row.values(dialect)).collect();
        let row = format!("({})", vec!["?"; values.len() / now.len()].join(", "));
        let sql = format!("{before}{}{after}", vec![row.as_str(); now.len()].join(", "));
        inserted += match executor.execute(&sql, values).await {
            // Only on MySQL, where there is a foreign key.
            Err(error) if is_unique_violation(&error) => {
                insert_missing(executor, store, statements, now).await?
            }
            result => result?,
        };
        rows = rest;
    }
    Ok(inserted)
}

async fn insert_missing(
    executor: &mut dyn Executor,
    store: &Store,
    statements: &InsertRows,
    rows: &[Row<'_>],
) -> Result<u64> {
    loop {
        let source = Row::source(store.dialect(), store.schema.user_id, rows);
        match executor.execute(&statements.missing, source).await {
            // On MySQL: a row was inserted after the statement had looked for it. The next attempt
            // finds it.
            Err(error) if is_unique_violation(&error) && store.dialect() == Dialect::MySql => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn parts_have_all_rows_and_are_not_too_large() {
        let split = |sizes: &[usize], rows, bytes| parts(sizes, rows, bytes, |size| *size);
        assert_eq!(split(&[], 2, 10), []);
        assert_eq!(split(&[1; 5], 2, 10), [0..2, 2..4, 4..5]);
        assert_eq!(split(&[4, 4, 4], 9, 10), [0..2, 2..3]);
        assert_eq!(split(&[1, 90, 1], 9, 10), [0..1, 1..2, 2..3]);
    }
}

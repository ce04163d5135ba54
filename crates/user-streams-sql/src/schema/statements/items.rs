//! The table of items, where a layout has one.

use user_streams_core::UserIdKind;

use super::rows_source::rows_source;
use crate::{Dialect, dialect::Params};

/// The statements on the table of items.
#[derive(Debug)]
pub(crate) struct ItemStatements {
    /// Store an item with its deliveries, if one statement can write to both tables.
    pub(crate) with_deliveries: Option<WithDeliveries>,
    /// `created_at_us, id, content`
    pub(crate) insert: String,
    /// The same without an error if the item exists, on any database. Nothing else can conflict.
    pub(crate) insert_ignore: String,
    /// `created_at_us, id`; returns `content` and locks the row until the end of the transaction
    /// (on MySQL the insert before has locked it)
    pub(crate) select_for_share: String,
    /// `created_at_us, id, content`; locks the row, and counts it if it has this content, without
    /// changing it
    pub(crate) lock: String,
    /// Locks a batch of items without a delivery, if there may be concurrent writers; returns
    /// `created_at_us, id`.
    pub(crate) lock_orphans: Option<String>,
    /// Deletes locked items by their [keys](crate::dialect::item_keys), if they still have
    /// no delivery. Without `lock_orphans`: all items without a delivery.
    pub(crate) purge: String,
}

/// Each fails if the item or a delivery exists.
#[derive(Debug)]
pub(crate) struct WithDeliveries {
    /// What each begins with, up to its INSERT of deliveries.
    pub(crate) with: String,
    /// `created_at_us, id, content, user`
    pub(crate) one: String,
    /// `created_at_us, id, content, users`
    pub(crate) many: String,
}

/// How many items a purge locks at a time.
pub(crate) const PURGE_BATCH: usize = 10_000;

impl ItemStatements {
    pub(super) fn new(dialect: Dialect, items: &str, deliveries: &str, kind: UserIdKind) -> Self {
        let mut params = Params::after(dialect, 0);
        let (at, id, content) = (params.next(), params.next(), params.next());
        let with_deliveries = (dialect == Dialect::Postgres).then(|| {
            let user = params.next();
            let with = format!(
                "WITH item AS (INSERT INTO {items} (created_at_us, id, content) \
                 VALUES ({at}, {id}, {content})) "
            );
            let insert = format!("{with}INSERT INTO {deliveries} (created_at_us, id, user_id)");
            let users = dialect.users_source(kind, &user);
            WithDeliveries {
                one: format!("{insert} VALUES ({at}, {id}, {user})"),
                many: format!("{insert} SELECT {at}, {id}, u.uid FROM {users}"),
                with,
            }
        });
        let (ignore, on_conflict, lock) = match dialect {
            Dialect::Sqlite => ("", " ON CONFLICT DO NOTHING", ""),
            Dialect::Postgres => ("", " ON CONFLICT DO NOTHING", " FOR KEY SHARE"),
            Dialect::MySql => ("IGNORE ", "", ""),
        };
        let insert = format!(
            "INTO {items} (created_at_us, id, content) VALUES ({at}, {id}, {content}){on_conflict}"
        );
        Self {
            with_deliveries,
            insert: format!("INSERT {insert}"),
            insert_ignore: format!("INSERT {ignore}{insert}"),
            select_for_share: format!(
                "SELECT content FROM {items} WHERE created_at_us = {at} AND id = {id}{lock}"
            ),
            lock: format!(
                "UPDATE {items} SET content = content WHERE created_at_us = {at} AND id = {id} \
                 AND CAST(content AS BINARY) = CAST({content} AS BINARY)"
            ),
            lock_orphans: lock_orphans(dialect, items, deliveries),
            purge: purge(dialect, items, deliveries),
        }
    }
}

/// The items without a delivery on PostgreSQL: one pass over the deliveries, without an index that
/// each delivery would have to maintain. So on the other databases.
fn postgres_orphan(deliveries: &str) -> String {
    format!(
        "NOT EXISTS (SELECT 1 FROM {deliveries} AS d WHERE d.id = i.id AND \
         d.created_at_us = i.created_at_us)"
    )
}

fn mysql_orphans(deliveries: &str) -> String {
    format!(
        "LEFT JOIN (SELECT DISTINCT id, created_at_us FROM {deliveries}) AS d \
         ON d.id = i.id AND d.created_at_us = i.created_at_us WHERE d.id IS NULL"
    )
}

fn lock_orphans(dialect: Dialect, items: &str, deliveries: &str) -> Option<String> {
    let condition = match dialect {
        Dialect::Sqlite => return None,
        Dialect::Postgres => format!("WHERE {}", postgres_orphan(deliveries)),
        Dialect::MySql => mysql_orphans(deliveries),
    };
    // An item that an add under way has locked is skipped: it gets a delivery.
    Some(format!(
        "SELECT i.created_at_us, i.id FROM {items} AS i {condition} LIMIT {PURGE_BATCH} FOR UPDATE \
         SKIP LOCKED"
    ))
}

fn purge(dialect: Dialect, items: &str, deliveries: &str) -> String {
    let keys = rows_source(dialect, None, false, &mut Params::after(dialect, 0));
    match dialect {
        // Among NULL values, which a foreign table may have, nothing is certain not to be.
        Dialect::Sqlite => format!(
            "DELETE FROM {items} WHERE (id, created_at_us) NOT IN (SELECT id, created_at_us FROM \
             {deliveries} WHERE id IS NOT NULL AND created_at_us IS NOT NULL)"
        ),
        Dialect::Postgres => format!(
            "DELETE FROM {items} AS i USING {keys} WHERE k.id = i.id AND k.created_at_us = \
             i.created_at_us AND {}",
            postgres_orphan(deliveries)
        ),
        Dialect::MySql => format!(
            "DELETE i FROM {keys} JOIN {items} AS i ON i.id = k.id AND i.created_at_us = \
             k.created_at_us {}",
            mysql_orphans(deliveries)
        ),
    }
}

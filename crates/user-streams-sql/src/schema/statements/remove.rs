//! Taking an item from the streams of some users.

use user_streams_core::UserIdKind;

use crate::{Dialect, Schema, dialect::Params};

/// From one user. Parameters: `user, created_at_us, id`.
pub(super) fn remove_one(dialect: Dialect, table: &str) -> String {
    let mut params = Params::after(dialect, 0);
    let (user, at, id) = (params.next(), params.next(), params.next());
    format!("DELETE FROM {table} WHERE user_id = {user} AND created_at_us = {at} AND id = {id}")
}

/// From a list. Parameters: `users, created_at_us, id`.
pub(super) fn remove_many(schema: &Schema, table: &str) -> String {
    let dialect = schema.dialect;
    let mut params = Params::after(dialect, 0);
    let source = dialect.users_source(schema.user_id, &params.next());
    remove(dialect, table, "", &source, &mut params)
}

/// From the rows of `select`. Parameters: `param_count` of `select`, then `created_at_us, id`.
pub(super) fn remove_query(
    schema: &Schema,
    table: &str,
    select: &str,
    param_count: usize,
) -> String {
    let dialect = schema.dialect;
    let mut params = Params::after(dialect, param_count);
    let with = format!("WITH targets(uid) AS ({select}) ");
    match dialect {
        // MariaDB has no WITH before a DELETE.
        Dialect::MySql => {
            let source = format!("({with}SELECT {}) AS u", mysql_ids(schema.user_id));
            remove(dialect, table, "", &source, &mut params)
        }
        _ => remove(dialect, table, &with, dialect.targets_source(schema.user_id), &mut params),
    }
}

/// The ids among `targets`, of exactly this kind: MySQL compares a number with a text as numbers,
/// so that a text would be the user whose number it begins with, and 0 nearly every text or UUID.
fn mysql_ids(kind: UserIdKind) -> &'static str {
    match kind {
        UserIdKind::BigInt => {
            "DISTINCT CAST(uid AS SIGNED) AS uid FROM targets WHERE CAST(CAST(uid AS SIGNED) AS \
             BINARY) = CAST(uid AS BINARY)"
        }
        UserIdKind::Uuid => {
            "DISTINCT CAST(uid AS BINARY(16)) AS uid FROM targets WHERE LENGTH(CAST(uid AS \
             BINARY)) = 16"
        }
        _ => "DISTINCT CAST(CONVERT(uid USING utf8mb4) AS BINARY) AS uid FROM targets",
    }
}

/// From the users of `source`, each looked up by the primary key.
fn remove(dialect: Dialect, table: &str, with: &str, source: &str, params: &mut Params) -> String {
    let (at, id) = (params.next(), params.next());
    match dialect {
        Dialect::Sqlite => format!(
            "{with}DELETE FROM {table} WHERE user_id IN (SELECT u.uid FROM {source}) AND \
             created_at_us = {at} AND id = {id}"
        ),
        Dialect::Postgres => format!(
            "{with}DELETE FROM {table} AS d USING {source} WHERE d.user_id = u.uid AND \
             d.created_at_us = {at} AND d.id = {id}"
        ),
        Dialect::MySql => format!(
            "DELETE d FROM {source} {} {table} AS d ON d.user_id = u.uid AND d.created_at_us = \
             {at} AND d.id = {id}",
            dialect.lookup_join()
        ),
    }
}

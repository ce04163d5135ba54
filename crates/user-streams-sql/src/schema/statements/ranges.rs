//! What lies between two places of a stream, and what is newer than one.

use super::{
    by_limit::ByLimit,
    keyset::{compare, keyset},
};
use crate::{Dialect, dialect::Params};

/// Deletes the items between two places. Parameters: `user`, then the
/// [keyset](crate::dialect::values::keyset) of each place, `newer_than` first.
#[derive(Debug)]
pub(crate) struct DeleteRangeStatements {
    pub(crate) newer: String,
    pub(crate) older: String,
    pub(crate) between: String,
}

impl DeleteRangeStatements {
    pub(super) fn new(dialect: Dialect, table: &str) -> Self {
        let delete = |older_than: &[bool]| {
            let mut params = Params::after(dialect, 0);
            let user = params.next();
            let bounds: String =
                older_than.iter().map(|older| keyset(dialect, *older, &mut params)).collect();
            format!("DELETE FROM {table} WHERE user_id = {user}{bounds}")
        };
        Self { newer: delete(&[false]), older: delete(&[true]), between: delete(&[false, true]) }
    }
}

/// Counts the items that are newer than a place: the index range is read up to the limit alone.
#[derive(Debug)]
pub(crate) struct CountNewerStatements {
    /// `user, `[keyset](crate::dialect::values::keyset)`, limit`
    pub(crate) than_place: ByLimit,
    /// `user, mark's user, mark, [mark's user, mark], limit`; on MySQL `mark's user, mark, user,
    /// limit`
    pub(crate) than_mark: ByLimit,
}

/// Older than every item; the smallest number itself is not a literal on PostgreSQL.
const OLDEST: &str = "-9223372036854775807";

impl CountNewerStatements {
    pub(super) fn new(dialect: Dialect, table: &str, marks: &str) -> Self {
        let count = |rows: &str, prefix: &str, limit: &str| {
            // The order makes every database read the index, and stop at the limit.
            let rows = format!(
                "SELECT 1 FROM {rows} ORDER BY {prefix}created_at_us DESC, {prefix}id DESC LIMIT"
            );
            let first = format!("{limit}{}", dialect.limit_suffix());
            ByLimit::new(dialect, |limit| match limit {
                None => format!("SELECT COUNT(*) FROM ({rows} {first}) AS n"),
                Some(limit) => format!(
                    "SELECT COUNT(*) FROM (SELECT 1 FROM ({rows} {limit}) AS d LIMIT {first}) AS n"
                ),
            })
        };
        let mut params = Params::after(dialect, 0);
        let user = params.next();
        let newer = keyset(dialect, false, &mut params);
        let rows = format!("{table} WHERE user_id = {user}{newer}");
        let than_place = count(&rows, "", &params.next());
        let mut params = Params::after(dialect, 0);
        let than_mark = if dialect == Dialect::MySql {
            // The mark is found by its whole primary key while the statement is planned, so that
            // the range is one of constants.
            let (mark_user, mark, user) = (params.next(), params.next(), params.next());
            let at = format!("COALESCE(m.created_at_us, {OLDEST})");
            let newer = compare(dialect, false, "d.", [&at, &at, "m.id"]);
            let rows = format!(
                "(SELECT 1 AS one) AS o LEFT JOIN {marks} AS m ON m.user_id = {mark_user} AND \
                 m.name = {mark} JOIN {table} AS d ON d.user_id = {user}{newer}"
            );
            count(&rows, "d.", &params.next())
        } else {
            let user = params.next();
            let mut of_mark = |column: &str, default: &str| {
                format!(
                    "COALESCE((SELECT {column} FROM {marks} WHERE user_id = {} AND name = {}), \
                     {default})",
                    params.next(),
                    params.next()
                )
            };
            let (at, id) = (of_mark("created_at_us", OLDEST), of_mark("id", "0"));
            let newer = compare(dialect, false, "", [&at, &at, &id]);
            count(&format!("{table} WHERE user_id = {user}{newer}"), "", &params.next())
        };
        Self { than_place, than_mark }
    }
}

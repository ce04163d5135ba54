//! Comparing the place of an item with another one.

use crate::{Dialect, dialect::Params};

/// The condition for items older, or newer, than a cursor. Parameters: see
/// [`keyset_values`](crate::dialect::values::keyset).
pub(super) fn keyset(dialect: Dialect, older: bool, params: &mut Params) -> String {
    let at = params.next();
    let again = if dialect == Dialect::MySql { params.next() } else { at.clone() };
    compare(dialect, older, "", [&at, &again, &params.next()])
}

/// The condition for items older, or newer, than a place of `created_at_us` (twice on MySQL) and
/// `id`. SQLite and PostgreSQL turn a comparison of row values into one index range; MySQL and
/// MariaDB need the redundant bound for that.
pub(super) fn compare(
    dialect: Dialect,
    older: bool,
    alias: &str,
    [at, again, id]: [&str; 3],
) -> String {
    let than = if older { "<" } else { ">" };
    match dialect {
        Dialect::MySql => format!(
            " AND {alias}created_at_us {than}= {at} AND ({alias}created_at_us {than} {again} OR \
             {alias}id {than} {id})"
        ),
        _ => format!(" AND ({alias}created_at_us, {alias}id) {than} ({at}, {id})"),
    }
}

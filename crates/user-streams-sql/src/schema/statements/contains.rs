//! Whether streams have items.

use user_streams_core::UserIdKind;

use super::rows_source::rows_source;
use crate::{Dialect, dialect::Params};

/// Returns the numbers, from 1 on, of those [rows](crate::dialect::Row) of a user and a key that
/// exist.
pub(super) fn contains(dialect: Dialect, kind: UserIdKind, table: &str) -> String {
    let source = rows_source(dialect, Some(kind), false, &mut Params::after(dialect, 0));
    let same = "d.user_id = k.uid AND d.created_at_us = k.created_at_us AND d.id = k.id".to_owned();
    match dialect {
        // With a limit, it is a look-up for each row whatever the statistics say.
        Dialect::Postgres => format!(
            "SELECT k.n FROM {source} CROSS JOIN LATERAL (SELECT 1 FROM {table} AS d WHERE {same} \
             LIMIT 1) AS f"
        ),
        _ => format!("SELECT k.n FROM {source} {} {table} AS d ON {same}", dialect.lookup_join()),
    }
}

//! The keys of items in bound parameters.

use crate::{Dialect, dialect::Params};

/// A derived table `k` with the columns `created_at_us` and `id`, of
/// [`item_keys`](crate::dialect::values::item_keys).
pub(super) fn keys_source(dialect: Dialect, params: &mut Params) -> String {
    let first = params.next();
    match dialect {
        Dialect::Sqlite => format!(
            "(SELECT value ->> 0 AS created_at_us, value ->> 1 AS id FROM json_each({first})) \
             AS k"
        ),
        Dialect::Postgres => format!(
            "unnest({first}::bigint[], {}::bigint[]) AS k(created_at_us, id)",
            params.next()
        ),
        Dialect::MySql => format!(
            "JSON_TABLE({first}, '$[*]' COLUMNS(created_at_us BIGINT PATH '$[0]', id BIGINT \
             PATH '$[1]')) AS k"
        ),
    }
}

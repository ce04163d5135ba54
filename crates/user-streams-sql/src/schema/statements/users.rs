//! The list of users.

use crate::{Dialect, dialect::Params};

/// The users who have rows, in their order, each with a number.
///
/// On SQLite and PostgreSQL each user is one look-up in the primary key, whatever the length of
/// the streams, and the number is 1. MySQL and MariaDB do that only if their statistics say that
/// most streams are long. There a limited part of the index is read, and the number is that of the
/// user's rows in it.
#[derive(Debug)]
pub(crate) struct ListUsersStatements {
    /// `limit`
    pub(crate) first: String,
    /// `user, limit`
    pub(crate) after: String,
}

impl ListUsersStatements {
    pub(super) fn new(dialect: Dialect, table: &str) -> Self {
        Self { first: list(dialect, table, false), after: list(dialect, table, true) }
    }
}

fn list(dialect: Dialect, table: &str, has_start: bool) -> String {
    let mut params = Params::after(dialect, 0);
    let start =
        if has_start { format!(" WHERE user_id > {}", params.next()) } else { String::new() };
    let limit = format!("LIMIT {}{}", params.next(), dialect.limit_suffix());
    if dialect == Dialect::MySql {
        return format!(
            "SELECT user_id, COUNT(*) FROM (SELECT user_id FROM {table}{start} ORDER BY user_id \
             {limit}) AS d GROUP BY user_id ORDER BY user_id"
        );
    }
    // PostgreSQL has no limit within a recursion; reading no more rows ends it.
    format!(
        "WITH RECURSIVE users(uid) AS (SELECT * FROM (SELECT user_id FROM {table}{start} ORDER BY \
         user_id LIMIT 1) AS f UNION ALL SELECT (SELECT user_id FROM {table} WHERE user_id > \
         users.uid ORDER BY user_id LIMIT 1) FROM users WHERE users.uid IS NOT NULL) \
         SELECT uid, CAST(1 AS BIGINT) FROM users WHERE uid IS NOT NULL {limit}"
    )
}

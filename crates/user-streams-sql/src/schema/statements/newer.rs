//! What is newer in the streams of many users.

use std::borrow::Cow;

use super::keyset::{compare, keyset};
use crate::{Dialect, Schema, dialect::Params};

/// The places of the items of some users that are newer than a place: a range of the primary key
/// for each user, and no content.
///
/// Parameters: the users, the place, the limit; on PostgreSQL the limit before the place. MySQL and
/// MariaDB make ranges of values in the statement alone: there each user is a parameter.
#[derive(Debug)]
pub(crate) enum ListNewerStatement {
    /// All users in one parameter.
    Source(String),
    /// What is before and after the conditions for the users.
    Listed([String; 2]),
}

/// From 1,000 values in a list on, MariaDB makes a table of them.
const LISTED: usize = 512;

impl ListNewerStatement {
    pub(super) fn new(schema: &Schema, table: &str) -> Self {
        let dialect = schema.dialect;
        let mut params = Params::after(dialect, 0);
        let columns = "d.user_id, d.created_at_us, d.id";
        match dialect {
            Dialect::Sqlite => {
                let source = dialect.users_source(schema.user_id, &params.next());
                let than = compare(dialect, false, "d.", [&params.next(), "", &params.next()]);
                Self::Source(format!(
                    "SELECT {columns} FROM {source} CROSS JOIN {table} AS d WHERE d.user_id = \
                     u.uid{than} LIMIT {}{}",
                    params.next(),
                    dialect.limit_suffix()
                ))
            }
            Dialect::Postgres => {
                let source = dialect.users_source(schema.user_id, &params.next());
                let limit = params.next();
                let than = keyset(dialect, false, &mut params);
                // With a limit, it is a range for each user whatever the statistics say.
                Self::Source(format!(
                    "SELECT {columns} FROM {source} CROSS JOIN LATERAL (SELECT user_id, \
                     created_at_us, id FROM {table} WHERE user_id = u.uid{than} LIMIT {limit}) AS \
                     d LIMIT {limit}"
                ))
            }
            Dialect::MySql => Self::Listed([
                format!("SELECT {columns} FROM {table} AS d WHERE ("),
                format!("){} LIMIT ?", compare(dialect, false, "d.", ["?"; 3])),
            ]),
        }
    }

    /// The statement for this number of users.
    pub(crate) fn sql(&self, users: usize) -> Cow<'_, str> {
        let [before, after] = match self {
            Self::Source(sql) => return sql.into(),
            Self::Listed(around) => around,
        };
        let list = |count| format!("d.user_id IN ({})", vec!["?"; count].join(", "));
        let (full, rest) = (users / LISTED, users % LISTED);
        let counts = std::iter::repeat_n(LISTED, full).chain((rest > 0).then_some(rest));
        let lists: Vec<_> = counts.map(list).collect();
        format!("{before}{}{after}", lists.join(" OR ")).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_list_is_as_long_as_to_become_a_table() {
        let statement = ListNewerStatement::Listed(["(".to_owned(), ")".to_owned()]);
        let lists = |users| statement.sql(users).matches(" IN ").count();
        assert_eq!([1, 512, 513, 1_024].map(lists), [1, 1, 2, 2]);
        assert_eq!(statement.sql(1_024).matches('?').count(), 1_024);
        assert_eq!(statement.sql(2), "(d.user_id IN (?, ?))");
    }
}

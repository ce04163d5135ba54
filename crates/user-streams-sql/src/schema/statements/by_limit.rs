//! Statements whose plan PostgreSQL keeps.

use crate::Dialect;

/// A statement that takes the first rows of an order, with its limit as a parameter.
///
/// PostgreSQL takes it that an unknown limit is a tenth of what there is, so that it would plan
/// such a statement anew at each execution, which takes longer than the execution. With a limit in
/// its text, around which the parameter takes the first rows of that, a plan for any limit is the
/// cheaper one, and is kept. So there it is a statement for each power of two.
#[derive(Debug)]
pub(crate) struct ByLimit {
    limited: Vec<(u64, String)>,
    any: String,
}

/// Of more rows than the last of these, the planning is a small part.
const LIMITS: [u64; 9] = [16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096];

/// The limit in the text of a statement that reads as many rows, if it has one.
pub(crate) fn limit_in_text(dialect: Dialect, rows: u64) -> Option<u64> {
    LIMITS.into_iter().find(|limit| dialect == Dialect::Postgres && *limit >= rows)
}

impl ByLimit {
    /// `sql` makes it of the limit in its text.
    pub(super) fn new(dialect: Dialect, sql: impl Fn(Option<u64>) -> String) -> Self {
        let limits = LIMITS.into_iter().filter(|_| dialect == Dialect::Postgres);
        Self { limited: limits.map(|limit| (limit, sql(Some(limit)))).collect(), any: sql(None) }
    }

    /// The statement that reads as many rows.
    pub(crate) fn sql(&self, rows: u64) -> &str {
        self.limited.iter().find(|(limit, _)| *limit >= rows).map_or(&self.any, |(_, sql)| sql)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_in_the_text_is_not_below_the_one_that_is_asked_for() {
        let statement = |dialect| {
            ByLimit::new(dialect, |limit| limit.map_or("any".to_owned(), |limit| limit.to_string()))
        };
        let postgres = statement(Dialect::Postgres);
        for (rows, sql) in
            [(0, "16"), (16, "16"), (17, "32"), (256, "256"), (4_096, "4096"), (4_097, "any")]
        {
            assert_eq!(postgres.sql(rows), sql);
        }
        assert_eq!(statement(Dialect::Sqlite).sql(20), "any");
    }
}

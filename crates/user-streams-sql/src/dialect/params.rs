//! The placeholders of a statement.

use crate::Dialect;

/// The placeholders of one statement, in the order of its text.
#[derive(Debug)]
pub(crate) struct Params {
    dialect: Dialect,
    count: usize,
}

impl Params {
    /// Placeholders after `count` that the statement has already.
    pub(crate) fn after(dialect: Dialect, count: usize) -> Self {
        Self { dialect, count }
    }

    pub(crate) fn next(&mut self) -> String {
        self.count += 1;
        if self.dialect == Dialect::Postgres { format!("${}", self.count) } else { "?".to_owned() }
    }
}

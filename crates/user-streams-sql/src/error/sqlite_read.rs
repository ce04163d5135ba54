//! Errors of the client that reads SQLite, as errors of sqlx, which everything else here knows.

use std::{borrow::Cow, error::Error as StdError, fmt};

use sqlx::{
    Error as SqlxError,
    error::{DatabaseError, ErrorKind},
};

/// SQLite's answer to a statement that reads.
#[derive(Debug)]
pub(super) struct ReadError {
    /// The extended result code.
    pub(super) code: u32,
    message: String,
}

/// sqlx's error for one of rusqlite.
pub(crate) fn from_rusqlite(error: rusqlite::Error) -> SqlxError {
    match error.sqlite_error() {
        Some(failure) => {
            let code = failure.extended_code.cast_unsigned();
            SqlxError::Database(Box::new(ReadError { code, message: error.to_string() }))
        }
        None => SqlxError::Encode(Box::new(error)),
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(code: {}) {}", self.code, self.message)
    }
}

impl StdError for ReadError {}

impl DatabaseError for ReadError {
    fn message(&self) -> &str {
        &self.message
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.code.to_string().into())
    }

    fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn StdError + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

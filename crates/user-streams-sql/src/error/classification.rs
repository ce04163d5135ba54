//! The classes of errors. What several servers have a code for is said once, in the same words.

use user_streams_core::{
    Error,
    ErrorKind::{
        self, Backend, Conflict, Connection, Corrupt, InvalidContent, InvalidSettings,
        InvalidUserId, NotMigrated, Recipients, Timeout,
    },
};

/// What an error of the database means to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Classification {
    pub(crate) kind: ErrorKind,
    pub(crate) message: &'static str,
    /// Whether a retry of the call may succeed.
    pub(crate) is_retryable: bool,
    /// Whether the connection cannot be used any more.
    pub(crate) ends_session: bool,
}

impl Classification {
    /// Retryable by its kind; the session continues.
    pub(super) const fn new(kind: ErrorKind, message: &'static str) -> Self {
        let is_retryable = matches!(kind, Connection | Timeout | Conflict);
        Self { kind, message, is_retryable, ends_session: false }
    }

    pub(super) const fn retryable(self, is_retryable: bool) -> Self {
        Self { is_retryable, ..self }
    }

    /// The server has ended the session, or another connection may lead to a better server.
    pub(super) const fn ending_session(self) -> Self {
        Self { ends_session: true, ..self }
    }

    pub(super) fn error(self) -> Error {
        Error::new(self.kind, self.message).with_retryable(self.is_retryable)
    }
}

/// A code that is in no table.
pub(super) const UNCLASSIFIED: Classification =
    Classification::new(Backend, "the database refused the statement");

// Tables and rows.
pub(super) const NOT_MIGRATED: Classification = Classification::new(
    NotMigrated,
    "the backend's tables do not exist: run `migrate` once, such as `streams.migrate().await?`",
);
pub(super) const COLUMN_MISMATCH: Classification = Classification::new(
    Backend,
    "a table does not have the library's columns: something else has created or changed it",
);
pub(super) const TABLE_EXISTS: Classification = Classification::new(
    Backend,
    "a table of this name already exists: the library did not create it, or the application's own \
     migrator did; do not call `migrate` too",
);
pub(super) const UNIQUE_VIOLATION: Classification =
    Classification::new(Conflict, "another writer stored the same row");
pub(super) const FOREIGN_KEY_VIOLATION: Classification = Classification::new(
    InvalidUserId,
    "a recipient is not in the table that the option `users` names; nothing was stored",
);
pub(super) const USER_ID_MISMATCH: Classification = Classification::new(
    InvalidUserId,
    "the user ids, or those of the recipients' query, are not of the kind that the option \
     `user_id` names",
);
pub(super) const INVALID_VALUE: Classification = Classification::new(
    Recipients,
    "the recipients' query has an expression that the database cannot evaluate",
);
pub(super) const TOO_LONG: Classification = Classification::new(
    InvalidContent,
    "the content is longer than the database allows for one value or statement",
);
pub(super) const CONSTRAINT_VIOLATION: Classification = Classification::new(
    Backend,
    "a constraint or trigger that the application added to the tables rejected the row",
);
pub(super) const DAMAGED: Classification = Classification::new(
    Corrupt,
    "the database is damaged: restore a backup, or repair it as its manual says",
);

// Login and settings.
pub(super) const LOGIN_REFUSED: Classification = Classification::new(
    InvalidSettings,
    "the database server refused the login: check the user, the password, and where it may connect \
     from",
);
pub(super) const NO_DATABASE: Classification = Classification::new(
    InvalidSettings,
    "the database does not exist, or the login has no privilege to use it",
);
pub(super) const MISSING_PRIVILEGE: Classification = Classification::new(
    InvalidSettings,
    "the login lacks a privilege, see the cause: it needs SELECT, INSERT and DELETE on the tables, \
     UPDATE on a table of items, and CREATE to migrate",
);
pub(super) const UNSUPPORTED_SYNTAX: Classification = Classification::new(
    Backend,
    "the server does not support the statement: it is older than the library supports, or another \
     product",
);

// The state of the server.
pub(super) const UNAVAILABLE: Classification =
    Classification::new(Connection, "the database server is not available").ending_session();
pub(super) const SESSION_ENDED: Classification =
    Classification::new(Connection, "the database server ended the session").ending_session();
pub(super) const TOO_MANY_CONNECTIONS: Classification = Classification::new(
    Connection,
    "the database server has too many sessions: raise its limit, or lower \
     `max_connections`",
)
.ending_session();
pub(super) const READ_ONLY_SERVER: Classification =
    Classification::new(Connection, "the database server is read-only, or a standby")
        .ending_session();
pub(super) const DISK_FULL: Classification = Classification::new(Backend, "the disk is full");
pub(super) const OUT_OF_MEMORY: Classification =
    Classification::new(Backend, "the database is out of memory").retryable(true);
pub(super) const IO: Classification =
    Classification::new(Backend, "the database could not read or write its files");

// Conflicts and cancelled statements.
pub(super) const TRANSACTION_CONFLICT: Classification = Classification::new(
    Conflict,
    "the transaction conflicted with another one: a deadlock or a lock",
);
pub(super) const CANCELLED: Classification =
    Classification::new(Timeout, "the server cancelled the statement");

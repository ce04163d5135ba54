//! What a code can mean. What several servers have a code for is said once, in the same words.

use user_streams_core::{
    Error,
    ErrorKind::{
        self, Backend, Conflict, Connection, Corrupt, InvalidContent, InvalidSettings,
        InvalidUserId, NotMigrated, Recipients, Timeout,
    },
};

/// What an error of a database means to whoever made the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meaning {
    pub(crate) kind: ErrorKind,
    pub(crate) message: &'static str,
    /// Whether the same call may succeed if it is made again.
    pub(crate) retry: bool,
    /// Whether the connection is of no further use.
    pub(crate) ends_session: bool,
}

impl Meaning {
    /// A retry helps as the kind has it, and the session goes on.
    pub(super) const fn new(kind: ErrorKind, message: &'static str) -> Self {
        let retry = matches!(kind, Connection | Timeout | Conflict);
        Self { kind, message, retry, ends_session: false }
    }

    pub(super) const fn retryable(self, retry: bool) -> Self {
        Self { retry, ..self }
    }

    /// The server has ended the session, or another connection may lead to a server that does
    /// better.
    pub(super) const fn ending_session(self) -> Self {
        Self { ends_session: true, ..self }
    }

    pub(super) fn error(self) -> Error {
        Error::new(self.kind, self.message).with_retryable(self.retry)
    }
}

/// What no table has a word for.
pub(super) const REFUSED: Meaning = Meaning::new(Backend, "the database refused the statement");

// The tables and what is in them.
pub(super) const NOT_MIGRATED: Meaning = Meaning::new(
    NotMigrated,
    "the backend's tables do not exist: run `migrate` once, such as `streams.migrate().await?`",
);
pub(super) const OTHER_COLUMNS: Meaning = Meaning::new(
    Backend,
    "a table has other columns than the library's: something else has made or changed it",
);
pub(super) const THERE_ALREADY: Meaning = Meaning::new(
    Backend,
    "a table is there already that the library did not make, or that an application's own migrator \
     made: do not call \
     `migrate` too",
);
pub(super) const SAME_ROW: Meaning = Meaning::new(Conflict, "another writer stored the same row");
pub(super) const NO_SUCH_USER: Meaning = Meaning::new(
    InvalidUserId,
    "a recipient is not in the table that the option `users` names; nothing was stored",
);
pub(super) const OTHER_KIND: Meaning = Meaning::new(
    InvalidUserId,
    "the user ids, or those of the recipients' query, are of another kind than the option \
     `user_id` names",
);
pub(super) const VALUE: Meaning = Meaning::new(
    Recipients,
    "the recipients' query has a value that the database cannot compute with",
);
pub(super) const TOO_LONG: Meaning = Meaning::new(
    InvalidContent,
    "the content is longer than the database takes in one value or statement",
);
pub(super) const CONSTRAINT: Meaning = Meaning::new(
    Backend,
    "a constraint or trigger that the application put on the tables refused the row",
);
pub(super) const DAMAGED: Meaning = Meaning::new(
    Corrupt,
    "the database is damaged: restore it from a copy, or repair it as its manual says",
);

// The login and the settings.
pub(super) const NO_LOGIN: Meaning = Meaning::new(
    InvalidSettings,
    "the database server refused the login: check the user, the password, and where it may connect \
     from",
);
pub(super) const NO_DATABASE: Meaning = Meaning::new(
    InvalidSettings,
    "the server does not have the database, or the login has no right to it",
);
pub(super) const NO_RIGHT: Meaning = Meaning::new(
    InvalidSettings,
    "the login lacks a right, which the cause names: it needs SELECT, INSERT and DELETE on the \
     tables, UPDATE on a \
     table of items, and CREATE to migrate",
);
pub(super) const TOO_OLD: Meaning = Meaning::new(
    Backend,
    "the server does not understand the statement: it is older than the library supports, or of \
     another make",
);

// The server, now.
pub(super) const NOT_AVAILABLE: Meaning =
    Meaning::new(Connection, "the database server is not available").ending_session();
pub(super) const ENDED: Meaning =
    Meaning::new(Connection, "the database server ended the session").ending_session();
pub(super) const FULL: Meaning = Meaning::new(
    Connection,
    "the database server has no room for another session: raise its limit, or lower \
     `max_connections`",
)
.ending_session();
pub(super) const NO_WRITES: Meaning =
    Meaning::new(Connection, "the database server takes no writes: it is a standby or read-only")
        .ending_session();
pub(super) const DISK_FULL: Meaning = Meaning::new(Backend, "the disk is full");
pub(super) const NO_MEMORY: Meaning =
    Meaning::new(Backend, "the database is out of memory").retryable(true);
pub(super) const IO: Meaning =
    Meaning::new(Backend, "the database could not read or write its files");

// What passes.
pub(super) const IN_THE_WAY: Meaning = Meaning::new(Conflict, "another transaction was in the way");
pub(super) const CANCELLED: Meaning = Meaning::new(Timeout, "the server cancelled the statement");

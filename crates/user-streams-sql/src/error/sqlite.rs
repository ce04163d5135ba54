//! SQLite, by extended result code: <https://sqlite.org/rescode.html>.

use user_streams_core::ErrorKind::{Backend, Conflict, Connection, Corrupt, InvalidUserId};

use super::classification::{
    CANCELLED, CONSTRAINT_VIOLATION, Classification, DISK_FULL, FOREIGN_KEY_VIOLATION,
    NOT_MIGRATED, OUT_OF_MEMORY, TABLE_EXISTS, TOO_LONG, UNCLASSIFIED, UNIQUE_VIOLATION,
    USER_ID_MISMATCH,
};

const BUSY: Classification =
    Classification::new(Conflict, "another process holds the database file's lock");
const READ_ONLY: Classification = Classification::new(Backend, "the database file is read-only");
const FILES: Classification =
    Classification::new(Backend, "reading or writing the database file failed");
const DAMAGED: Classification = Classification::new(Corrupt, "the database file is damaged");

/// The codes, each with its classification. The low byte of an extended code is its primary code,
/// whose row is for all extended codes without a row of their own. An error that is not the fault
/// of the statement may have ended the transaction, so it ends the connection.
const TABLE: &[(&[u32], Classification)] = &[
    // The statement or its values.
    (&[1], UNCLASSIFIED),
    (&[18], TOO_LONG),
    (&[20, 3091], USER_ID_MISMATCH),
    (&[1555, 2067, 2579], UNIQUE_VIOLATION),
    (&[787], FOREIGN_KEY_VIOLATION),
    (&[1299], Classification::new(InvalidUserId, "a recipient's id is NULL")),
    (&[19], CONSTRAINT_VIOLATION),
    // Locks.
    (&[5, 6], BUSY),
    (
        &[15],
        Classification::new(Conflict, "another process is opening or recovering the database file")
            .ending_session(),
    ),
    // Another connection changed the tables.
    (&[17], Classification::new(Conflict, "the tables were changed concurrently").ending_session()),
    (&[9], CANCELLED.ending_session()),
    // The file.
    (
        &[1544],
        Classification::new(
            Backend,
            "the directory of the database file is read-only: SQLite keeps its log there",
        )
        .ending_session(),
    ),
    (
        &[1032],
        Classification::new(
            Connection,
            "the database file was moved, replaced or deleted while it was open",
        )
        .ending_session(),
    ),
    (&[8], READ_ONLY.ending_session()),
    (&[7, 3082], OUT_OF_MEMORY.ending_session()),
    (&[10], FILES.ending_session()),
    (&[11], DAMAGED.ending_session()),
    (&[13], DISK_FULL.ending_session()),
    (
        &[526],
        Classification::new(Connection, "the path of the database file is a directory")
            .retryable(false)
            .ending_session(),
    ),
    (
        &[14],
        Classification::new(
            Connection,
            "the database file cannot be opened: check the path and its permissions, and add \
             `?mode=rwc` to create it",
        )
        .retryable(false)
        .ending_session(),
    ),
    (
        &[22],
        Classification::new(Backend, "the file system does not support files of that size")
            .ending_session(),
    ),
    (&[26], Classification::new(Corrupt, "the file is not a SQLite database").ending_session()),
];

pub(super) fn classify(code: u32, message: &str) -> Classification {
    // SQLite has no code of its own for a missing table.
    if code == 1 && message.starts_with("no such table") {
        return NOT_MIGRATED;
    }
    // Nor one for a table that exists.
    if code == 1 && message.ends_with("already exists") {
        return TABLE_EXISTS;
    }
    let row = |code: u32| TABLE.iter().find(|(codes, _)| codes.contains(&code));
    row(code)
        .or_else(|| row(primary(code)))
        .map_or(UNCLASSIFIED.ending_session(), |(_, classification)| *classification)
}

/// The primary code of an extended code.
fn primary(code: u32) -> u32 {
    code & 0xff
}

/// `SQLITE_BUSY` and `SQLITE_LOCKED`.
pub(super) fn is_locked(code: u32) -> bool {
    matches!(primary(code), 5 | 6)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use user_streams_core::ErrorKind::{InvalidContent, NotMigrated, Timeout};

    use super::*;

    #[test]
    fn no_code_occurs_twice_and_each_is_classified_by_its_row() {
        let mut seen = HashSet::new();
        for (codes, expected) in TABLE {
            for code in *codes {
                assert!(seen.insert(code), "{code}");
                assert_eq!(classify(*code, ""), *expected, "{code}");
            }
        }
    }

    #[test]
    fn an_extended_code_is_classified_by_its_primary_code() {
        for (code, message, kind, ends_session) in [
            (1, "no such table: x", NotMigrated, false),
            (1, "syntax error", Backend, false),
            (1, "table \"x\" already exists", Backend, false),
            (5, "", Conflict, false),
            (517, "", Conflict, false),
            (262, "", Conflict, false),
            (2067, "", Conflict, false),
            (275, "", Backend, false),
            (3091, "", InvalidUserId, false),
            (18, "", InvalidContent, false),
            (9, "", Timeout, true),
            (778, "", Backend, true),
            (13, "", Backend, true),
            (14, "", Connection, true),
            (267, "", Corrupt, true),
            (26, "", Corrupt, true),
            (21, "", Backend, true),
        ] {
            let actual = classify(code, message);
            assert_eq!((actual.kind, actual.ends_session), (kind, ends_session), "{code}");
        }
    }
}

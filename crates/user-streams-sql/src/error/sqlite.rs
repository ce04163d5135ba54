//! SQLite, by extended result code: <https://sqlite.org/rescode.html>.

use user_streams_core::ErrorKind::{Backend, Conflict, Connection, Corrupt, InvalidUserId};

use super::meaning::{
    CANCELLED, CONSTRAINT, DISK_FULL, Meaning, NO_MEMORY, NO_SUCH_USER, NOT_MIGRATED, OTHER_KIND,
    REFUSED, SAME_ROW, THERE_ALREADY, TOO_LONG,
};

const BUSY: Meaning = Meaning::new(Conflict, "another process holds the database file's lock");
const READ_ONLY: Meaning = Meaning::new(Backend, "the database file is read-only");
const FILES: Meaning = Meaning::new(Backend, "reading or writing the database file failed");
const DAMAGED: Meaning = Meaning::new(Corrupt, "the database file is damaged");

/// The codes, each with its meaning. The low byte of a code is that of its group: a number below
/// 256 is for those of its group that have no row of their own. What is none of a statement's
/// faults may have ended the transaction, so the connection ends with it.
const TABLE: &[(&[u32], Meaning)] = &[
    // A statement is wrong, or its values are.
    (&[1], REFUSED),
    (&[18], TOO_LONG),
    (&[20, 3091], OTHER_KIND),
    (&[1555, 2067, 2579], SAME_ROW),
    (&[787], NO_SUCH_USER),
    (&[1299], Meaning::new(InvalidUserId, "a recipient's id is NULL")),
    (&[19], CONSTRAINT),
    // Locks.
    (&[5, 6], BUSY),
    (
        &[15],
        Meaning::new(
            Conflict,
            "another process opens or recovers the database \
        file",
        )
        .ending_session(),
    ),
    // Another connection changed the tables.
    (&[17], Meaning::new(Conflict, "the tables were changed meanwhile").ending_session()),
    (&[9], CANCELLED.ending_session()),
    // The file.
    (
        &[1544],
        Meaning::new(
            Backend,
            "the directory of the database file is read-only: SQLite keeps its \
            log there",
        )
        .ending_session(),
    ),
    (
        &[1032],
        Meaning::new(
            Connection,
            "the database file was moved, replaced or deleted while it was \
            open",
        )
        .ending_session(),
    ),
    (&[8], READ_ONLY.ending_session()),
    (&[7, 3082], NO_MEMORY.ending_session()),
    (&[10], FILES.ending_session()),
    (&[11], DAMAGED.ending_session()),
    (&[13], DISK_FULL.ending_session()),
    (
        &[526],
        Meaning::new(Connection, "the path of the database file is a directory")
            .retryable(false)
            .ending_session(),
    ),
    (
        &[14],
        Meaning::new(
            Connection,
            "the database file cannot be opened: check the path and its permissions, and add \
             `?mode=rwc` to create it",
        )
        .retryable(false)
        .ending_session(),
    ),
    (
        &[22],
        Meaning::new(
            Backend,
            "the file system does not take files of that \
        size",
        )
        .ending_session(),
    ),
    (&[26], Meaning::new(Corrupt, "the file is not a SQLite database").ending_session()),
];

pub(super) fn meaning(code: u32, message: &str) -> Meaning {
    // SQLite has no code of its own for a missing table.
    if code == 1 && message.starts_with("no such table") {
        return NOT_MIGRATED;
    }
    // Nor one for a table that is there.
    if code == 1 && message.ends_with("already exists") {
        return THERE_ALREADY;
    }
    let row = |code: u32| TABLE.iter().find(|(codes, _)| codes.contains(&code));
    row(code)
        .or_else(|| row(primary(code)))
        .map_or(REFUSED.ending_session(), |(_, meaning)| *meaning)
}

/// The code of a code's group.
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
    fn no_code_is_there_twice_and_each_has_its_row_s_meaning() {
        let mut seen = HashSet::new();
        for (codes, expected) in TABLE {
            for code in *codes {
                assert!(seen.insert(code), "{code}");
                assert_eq!(meaning(*code, ""), *expected, "{code}");
            }
        }
    }

    #[test]
    fn an_extended_code_is_one_of_its_group() {
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
            let meaning = meaning(code, message);
            assert_eq!((meaning.kind, meaning.ends_session), (kind, ends_session), "{code}");
        }
    }
}

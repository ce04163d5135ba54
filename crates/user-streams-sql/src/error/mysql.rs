//! MySQL and MariaDB, by number, since SQLSTATE is HY000 for most:
//! <https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html>,
//! <https://mariadb.com/kb/en/mariadb-error-code-reference/>.

use user_streams_core::ErrorKind::{
    Backend, Conflict, Connection, InvalidContent, InvalidSettings, InvalidUserId,
};

use super::classification::{
    CANCELLED, COLUMN_MISMATCH, CONSTRAINT_VIOLATION, Classification, DAMAGED, DISK_FULL,
    FOREIGN_KEY_VIOLATION, INVALID_VALUE, IO, LOGIN_REFUSED, MISSING_PRIVILEGE, NO_DATABASE,
    NOT_MIGRATED, OUT_OF_MEMORY, READ_ONLY_SERVER, SESSION_ENDED, TABLE_EXISTS, TOO_LONG,
    TOO_MANY_CONNECTIONS, TRANSACTION_CONFLICT, UNAVAILABLE, UNCLASSIFIED, UNIQUE_VIOLATION,
    UNSUPPORTED_SYNTAX, USER_ID_MISMATCH,
};

const PACKET: Classification = Classification::new(
    InvalidContent,
    "the content, or the list of ids, exceeds the server's maximum statement size: raise its \
     `max_allowed_packet`",
);

/// The numbers, each with its classification.
const TABLE: &[(&[u16], Classification)] = &[
    // The server refuses connections.
    (&[1040, 1203, 1226], TOO_MANY_CONNECTIONS),
    (
        &[1129],
        Classification::new(
            Connection,
            "the server has blocked this host after failed attempts: run FLUSH HOSTS there",
        )
        .retryable(false)
        .ending_session(),
    ),
    // A shutdown; a broken connection; a cluster node that is not ready (1047).
    (&[1053, 1079, 1043, 1047, 1080, 1152, 1156, 1157, 1158, 1159, 1160, 1161, 1184], UNAVAILABLE),
    // Client error numbers, and ProxySQL's: a proxy reports the server behind it.
    (&[2002, 2003, 2006, 2013, 9001], UNAVAILABLE),
    // Killed, on MariaDB and on MySQL; idle for too long, on MySQL.
    (&[1927, 3169, 4031], SESSION_ENDED),
    (
        &[3032],
        Classification::new(
            Connection,
            "the database server is in offline mode and accepts no sessions",
        )
        .ending_session(),
    ),
    // --read-only and --super-read-only; a read-only session or server.
    (&[1290, 1792, 1836], READ_ONLY_SERVER),
    // A prepared statement that a proxy has lost; the server's limit for them.
    (&[1243], UNAVAILABLE),
    (
        &[1461],
        Classification::new(
            Backend,
            "the server has too many prepared statements: raise its \
             `max_prepared_stmt_count`",
        )
        .retryable(true),
    ),
    // Deadlocks, locks, concurrent changes of a row or a table.
    (&[1205, 1213, 1020, 1412, 1615, 3058, 3572, 1637], TRANSACTION_CONFLICT),
    // The commit failed: in a cluster or a replication group because of a conflict.
    (&[1180, 3100, 3101], Classification::new(Conflict, "the server could not commit")),
    // KILL QUERY; the statement timeouts of MariaDB and MySQL.
    (&[1317, 1969, 3024], CANCELLED),
    // Login and settings.
    (&[1045, 1130, 1251, 1275, 1524, 1698, 1820, 1862, 3118, 3955, 4151], LOGIN_REFUSED),
    (
        &[3159],
        Classification::new(
            InvalidSettings,
            "the server requires TLS: enable the feature `rustls`, and set `ssl-mode` in the \
             URL",
        ),
    ),
    (
        &[1046],
        Classification::new(
            InvalidSettings,
            "the URL names no database: expected mysql://host/database",
        ),
    ),
    (&[1044, 1049], NO_DATABASE),
    (&[1142, 1143, 1227, 1370], MISSING_PRIVILEGE),
    // Tables and rows.
    (&[1146], NOT_MIGRATED),
    (&[1054, 1136], COLUMN_MISMATCH),
    (&[1050], TABLE_EXISTS),
    (&[1062, 1022, 1169, 1586], UNIQUE_VIOLATION),
    (&[1216, 1217, 1451, 1452, 1557, 1761, 1762], FOREIGN_KEY_VIOLATION),
    (&[1048, 1364], Classification::new(InvalidUserId, "a recipient's id is NULL")),
    (&[1264, 1265, 1292, 1366, 1406], USER_ID_MISMATCH),
    (&[1242, 1365, 1690], INVALID_VALUE),
    (&[1153, 1301], PACKET),
    (&[1105], UNCLASSIFIED),
    (&[1118, 1162], TOO_LONG),
    (&[3819, 4025, 1644], CONSTRAINT_VIOLATION),
    (&[1064, 1128, 1193, 1235, 1305], UNSUPPORTED_SYNTAX),
    // Resources of the machine.
    (&[1021, 1114], DISK_FULL),
    (&[1037, 1038, 1041], OUT_OF_MEMORY),
    (
        &[1206],
        Classification::new(
            Backend,
            "the server has too many locks: raise its `innodb_buffer_pool_size`",
        ),
    ),
    (&[1023, 1024, 1026, 1030], IO),
    (&[1034, 1194, 1195, 1712, 1932], DAMAGED),
];

pub(super) fn classify(number: u16) -> Classification {
    let row = TABLE.iter().find(|(numbers, _)| numbers.contains(&number));
    let classification = row.map_or(UNCLASSIFIED, |(_, classification)| *classification);
    // The server closes the connection after it.
    if number == 1153 { classification.ending_session() } else { classification }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use user_streams_core::ErrorKind::{NotMigrated, Timeout};

    use super::*;

    #[test]
    fn no_number_occurs_twice() {
        let mut seen = HashSet::new();
        for number in TABLE.iter().flat_map(|(numbers, _)| numbers.iter()) {
            assert!(seen.insert(number), "{number}");
        }
    }

    #[test]
    fn every_number_is_classified_by_its_row() {
        for (numbers, expected) in TABLE {
            for number in *numbers {
                assert_eq!(classify(*number).message, expected.message, "{number}");
            }
        }
        assert_eq!(classify(1), UNCLASSIFIED);
    }

    #[test]
    fn what_a_retry_cannot_fix_is_not_retryable() {
        for (number, kind, retry, ends_session) in [
            (1040, Connection, true, true),
            (1317, Timeout, true, false),
            (1969, Timeout, true, false),
            (3024, Timeout, true, false),
            (1927, Connection, true, true),
            (1290, Connection, true, true),
            (1792, Connection, true, true),
            (1836, Connection, true, true),
            (3032, Connection, true, true),
            (1020, Conflict, true, false),
            (1205, Conflict, true, false),
            (1213, Conflict, true, false),
            (1153, InvalidContent, false, true),
            (1146, NotMigrated, false, false),
            (1045, InvalidSettings, false, false),
            (1049, InvalidSettings, false, false),
            (1142, InvalidSettings, false, false),
            (1129, Connection, false, true),
            (1452, InvalidUserId, false, false),
            (1114, Backend, false, false),
        ] {
            let actual = classify(number);
            assert_eq!(
                (actual.kind, actual.is_retryable, actual.ends_session),
                (kind, retry, ends_session),
                "{number}"
            );
        }
    }
}

//! MySQL and MariaDB, by number, since SQLSTATE is HY000 for most:
//! <https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html>,
//! <https://mariadb.com/kb/en/mariadb-error-code-reference/>.

use user_streams_core::ErrorKind::{
    Backend, Conflict, Connection, InvalidContent, InvalidSettings, InvalidUserId,
};

use super::meaning::{
    CANCELLED, CONSTRAINT, DAMAGED, DISK_FULL, ENDED, FULL, IN_THE_WAY, IO, Meaning, NO_DATABASE,
    NO_LOGIN, NO_MEMORY, NO_RIGHT, NO_SUCH_USER, NO_WRITES, NOT_AVAILABLE, NOT_MIGRATED,
    OTHER_COLUMNS, OTHER_KIND, REFUSED, SAME_ROW, THERE_ALREADY, TOO_LONG, TOO_OLD, VALUE,
};

const PACKET: Meaning = Meaning::new(
    InvalidContent,
    "the content, or the list of ids, is longer than the server takes at once: raise its \
     `max_allowed_packet`",
);

/// The numbers, each with its meaning.
const TABLE: &[(&[u16], Meaning)] = &[
    // The server is there, but not for us, or not now.
    (&[1040, 1203, 1226], FULL),
    (
        &[1129],
        Meaning::new(
            Connection,
            "the server has blocked this host after failed attempts: run FLUSH HOSTS there",
        )
        .retryable(false)
        .ending_session(),
    ),
    // A shutdown; a connection that broke; a node of a cluster that is not ready (1047).
    (
        &[1053, 1079, 1043, 1047, 1080, 1152, 1156, 1157, 1158, 1159, 1160, 1161, 1184],
        NOT_AVAILABLE,
    ),
    // Of the client's own numbers, and ProxySQL's: what a proxy says of the server behind it.
    (&[2002, 2003, 2006, 2013, 9001], NOT_AVAILABLE),
    // Killed, on MariaDB and on MySQL; idle for too long, on MySQL.
    (&[1927, 3169, 4031], ENDED),
    (
        &[3032],
        Meaning::new(Connection, "the database server is in offline mode and takes no sessions")
            .ending_session(),
    ),
    // --read-only and --super-read-only; a session or a server that reads only.
    (&[1290, 1792, 1836], NO_WRITES),
    // A statement that a proxy has lost; the server's own limit for them.
    (&[1243], NOT_AVAILABLE),
    (
        &[1461],
        Meaning::new(
            Backend,
            "the server has no room for another prepared statement: raise its \
             `max_prepared_stmt_count`",
        )
        .retryable(true),
    ),
    // What passes: deadlocks, locks, rows that changed meanwhile, a table that did.
    (&[1205, 1213, 1020, 1412, 1615, 3058, 3572, 1637], IN_THE_WAY),
    // The commit failed: in a cluster or a replicated group because of another one.
    (&[1180, 3100, 3101], Meaning::new(Conflict, "the server could not commit")),
    // KILL QUERY; the limits of a statement on MariaDB and on MySQL.
    (&[1317, 1969, 3024], CANCELLED),
    // The login and the settings.
    (&[1045, 1130, 1251, 1275, 1524, 1698, 1820, 1862, 3118, 3955, 4151], NO_LOGIN),
    (
        &[3159],
        Meaning::new(
            InvalidSettings,
            "the server takes TLS alone: enable the feature `rustls`, and set `ssl-mode` in the \
             URL",
        ),
    ),
    (
        &[1046],
        Meaning::new(
            InvalidSettings,
            "the URL names no database: expected \
        mysql://host/database",
        ),
    ),
    (&[1044, 1049], NO_DATABASE),
    (&[1142, 1143, 1227, 1370], NO_RIGHT),
    // The tables and what is in them.
    (&[1146], NOT_MIGRATED),
    (&[1054, 1136], OTHER_COLUMNS),
    (&[1050], THERE_ALREADY),
    (&[1062, 1022, 1169, 1586], SAME_ROW),
    (&[1216, 1217, 1451, 1452, 1557, 1761, 1762], NO_SUCH_USER),
    (&[1048, 1364], Meaning::new(InvalidUserId, "a recipient's id is NULL")),
    (&[1264, 1265, 1292, 1366, 1406], OTHER_KIND),
    (&[1242, 1365, 1690], VALUE),
    (&[1153, 1301], PACKET),
    (&[1105], REFUSED),
    (&[1118, 1162], TOO_LONG),
    (&[3819, 4025, 1644], CONSTRAINT),
    (&[1064, 1128, 1193, 1235, 1305], TOO_OLD),
    // The machine.
    (&[1021, 1114], DISK_FULL),
    (&[1037, 1038, 1041], NO_MEMORY),
    (
        &[1206],
        Meaning::new(
            Backend,
            "the server has no room for so many locks: raise its `innodb_buffer_pool_size`",
        ),
    ),
    (&[1023, 1024, 1026, 1030], IO),
    (&[1034, 1194, 1195, 1712, 1932], DAMAGED),
];

pub(super) fn meaning(number: u16) -> Meaning {
    let row = TABLE.iter().find(|(numbers, _)| numbers.contains(&number));
    let meaning = row.map_or(REFUSED, |(_, meaning)| *meaning);
    // The server closes the connection after it.
    if number == 1153 { meaning.ending_session() } else { meaning }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use user_streams_core::ErrorKind::{NotMigrated, Timeout};

    use super::*;

    #[test]
    fn no_number_is_there_twice() {
        let mut seen = HashSet::new();
        for number in TABLE.iter().flat_map(|(numbers, _)| numbers.iter()) {
            assert!(seen.insert(number), "{number}");
        }
    }

    #[test]
    fn every_number_has_its_row_s_meaning() {
        for (numbers, expected) in TABLE {
            for number in *numbers {
                assert_eq!(meaning(*number).message, expected.message, "{number}");
            }
        }
        assert_eq!(meaning(1), REFUSED);
    }

    #[test]
    fn what_a_retry_cannot_mend_is_not_retryable() {
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
            let meaning = meaning(number);
            assert_eq!(
                (meaning.kind, meaning.retry, meaning.ends_session),
                (kind, retry, ends_session),
                "{number}"
            );
        }
    }
}

//! Error codes raised by a trigger: each has its kind, and the next call succeeds.

use sea_orm::DbBackend;
use user_streams_core::ErrorKind::{
    self, Backend, Conflict, Connection, Corrupt, InvalidContent, InvalidSettings, InvalidUserId,
    Recipients, Timeout,
};

use super::says;
use crate::{
    database::TestDatabase,
    faults::handles::{self, Layout},
};

crate::tests![every_code_has_its_kind_and_the_next_call_succeeds];

type Row = (&'static str, ErrorKind, bool, &'static str);

const POSTGRES: &[Row] = &[
    ("08006", Connection, true, "not available"),
    ("0A000", Backend, false, "refused the statement"),
    ("22003", InvalidUserId, false, "user_id"),
    ("22012", Recipients, false, "cannot evaluate"),
    ("22021", InvalidContent, false, "UTF8"),
    ("23514", Backend, false, "constraint"),
    ("25006", Connection, true, "read-only"),
    ("26000", InvalidSettings, false, "max_prepared_statements"),
    ("40001", Conflict, true, "conflicted"),
    ("40P01", Conflict, true, "conflicted"),
    ("42501", InvalidSettings, false, "SELECT, INSERT and DELETE"),
    ("42703", Backend, false, "columns"),
    ("53100", Backend, false, "disk is full"),
    ("53200", Backend, true, "memory"),
    ("54000", InvalidContent, false, "longer"),
    ("55P03", Conflict, true, "conflicted"),
    ("57014", Timeout, true, "cancelled"),
    ("58030", Backend, false, "its files"),
    ("P0001", Backend, false, "trigger"),
    ("XX000", Backend, false, "refused the statement"),
    ("XX001", Corrupt, false, "damaged"),
];

const MYSQL: &[Row] = &[
    ("1020", Conflict, true, "conflicted"),
    ("1021", Backend, false, "disk is full"),
    ("1041", Backend, true, "memory"),
    ("1047", Connection, true, "not available"),
    ("1054", Backend, false, "columns"),
    ("1114", Backend, false, "disk is full"),
    ("1142", InvalidSettings, false, "SELECT, INSERT and DELETE"),
    ("1180", Conflict, true, "commit"),
    ("1194", Corrupt, false, "damaged"),
    ("1205", Conflict, true, "conflicted"),
    ("1226", Connection, true, "too many sessions"),
    ("1242", Recipients, false, "cannot evaluate"),
    ("1290", Connection, true, "read-only"),
    ("1301", InvalidContent, false, "max_allowed_packet"),
    ("1366", InvalidUserId, false, "user_id"),
    ("1461", Backend, true, "max_prepared_stmt_count"),
    ("1644", Backend, false, "trigger"),
    ("1836", Connection, true, "read-only"),
    ("1969", Timeout, true, "cancelled"),
    ("3024", Timeout, true, "cancelled"),
    ("3032", Connection, true, "offline"),
    ("3169", Connection, true, "ended the session"),
];

/// Raises the code that is the content, if it is one.
const POSTGRES_TRIGGER: &[&str] = &[
    "CREATE FUNCTION raise() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
     IF length(NEW.content) = 5 THEN RAISE EXCEPTION 'raised' USING ERRCODE = NEW.content; END IF; \
     RETURN NEW; END $$",
    "CREATE TRIGGER raise BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION raise()",
];

const MYSQL_TRIGGER: &[&str] =
    &["CREATE TRIGGER {table}_raise BEFORE INSERT ON {table} FOR EACH ROW BEGIN \
     DECLARE code INT; IF LENGTH(NEW.content) = 4 THEN SET code = NEW.content; \
     SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = code, MESSAGE_TEXT = 'raised'; END IF; END"];

async fn every_code_has_its_kind_and_the_next_call_succeeds(database: TestDatabase) {
    let (rows, trigger) = match database.backend() {
        DbBackend::Postgres => (POSTGRES, POSTGRES_TRIGGER),
        DbBackend::MySql => (MYSQL, MYSQL_TRIGGER),
        _ => return,
    };
    let handles = handles::handles(&database.config(), 1).await;
    for handle in handles.iter().filter(|handle| handle.layout == Layout::SingleTable) {
        for (index, sql) in trigger.iter().enumerate() {
            // One function for both tables.
            if index + 1 == trigger.len() || handle.name().starts_with("own") {
                database.run(&sql.replace("{table}", handle.name())).await;
            }
        }
        for (number, (code, kind, retry, words)) in rows.iter().enumerate() {
            for users in [vec![1], vec![1, 2]] {
                let name = format!("{} {code} to {}", handle.name(), users.len());
                let added = handle.streams.add_stream_item(users, *code).await;
                says(&name, &added.map(drop).unwrap_err(), *kind, *retry, words);
            }
            assert_eq!(handle.add(1, "works again").await, 1, "{}: after {code}", handle.name());
            assert_eq!(
                handle.stored(&database, 1).await,
                number as i64 + 1,
                "{}: {code}",
                handle.name()
            );
        }
    }
}

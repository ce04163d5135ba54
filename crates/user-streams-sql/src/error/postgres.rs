//! PostgreSQL, by SQLSTATE: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.

use user_streams_core::ErrorKind::{
    Backend, Conflict, Connection, InvalidContent, InvalidSettings, InvalidUserId, Timeout,
};

use super::classification::{
    CANCELLED, COLUMN_MISMATCH, CONSTRAINT_VIOLATION, Classification, DAMAGED, DISK_FULL,
    FOREIGN_KEY_VIOLATION, INVALID_VALUE, IO, LOGIN_REFUSED, MISSING_PRIVILEGE, NO_DATABASE,
    NOT_MIGRATED, OUT_OF_MEMORY, READ_ONLY_SERVER, SESSION_ENDED, TABLE_EXISTS, TOO_LONG,
    TOO_MANY_CONNECTIONS, TRANSACTION_CONFLICT, UNAVAILABLE, UNCLASSIFIED, UNIQUE_VIOLATION,
    UNSUPPORTED_SYNTAX, USER_ID_MISMATCH,
};

/// The server ends the session along with the transaction.
const TRANSACTION_TIMEOUT: Classification =
    Classification::new(Timeout, "the server ended a transaction that took too long")
        .ending_session();

const POOLER: Classification = Classification::new(
    InvalidSettings,
    "a pooler sends prepared statements to sessions that do not have them: PgBouncer needs \
     `pool_mode = session`, or version 1.21 and `max_prepared_statements`",
)
.ending_session();

/// The codes, each with its classification. Two characters are a class of codes, for those without
/// a row of their own above it.
const TABLE: &[(&[&str], Classification)] = &[
    // Of PgBouncer, 08P01 can mean anything, depending on its version.
    (&["08"], UNAVAILABLE),
    (&["21000"], INVALID_VALUE),
    (&["22P02", "22003"], USER_ID_MISMATCH),
    (&["22001"], TOO_LONG),
    (
        &["22021", "22P05"],
        Classification::new(
            InvalidContent,
            "the database's encoding does not have a character of the content or of a user id: \
             create the database with the encoding UTF8",
        ),
    ),
    (&["22"], INVALID_VALUE),
    (&["23505"], UNIQUE_VIOLATION),
    (&["23503"], FOREIGN_KEY_VIOLATION),
    (&["23502"], Classification::new(InvalidUserId, "a recipient's id is NULL")),
    (&["23"], CONSTRAINT_VIOLATION),
    (&["25006"], READ_ONLY_SERVER),
    (&["25P03", "25P04"], TRANSACTION_TIMEOUT),
    // No statement can run until the transaction ends.
    (
        &["25"],
        Classification::new(Backend, "the session is in the wrong state for the statement")
            .ending_session(),
    ),
    (&["26000", "42P05"], POOLER),
    (&["28"], LOGIN_REFUSED),
    (&["3D"], NO_DATABASE),
    (
        &["3F"],
        Classification::new(
            InvalidSettings,
            "the schema does not exist, or no schema of the login's `search_path` does",
        ),
    ),
    (&["40"], TRANSACTION_CONFLICT),
    (&["42501"], MISSING_PRIVILEGE),
    (&["42P01"], NOT_MIGRATED),
    (&["42703"], COLUMN_MISMATCH),
    (&["42P07", "42710"], TABLE_EXISTS),
    // No operator for the types of a column and a parameter.
    (&["42804", "42846", "42883"], USER_ID_MISMATCH),
    (&["42601"], UNSUPPORTED_SYNTAX),
    (&["53100"], DISK_FULL),
    (&["53200"], OUT_OF_MEMORY),
    (&["53300"], TOO_MANY_CONNECTIONS),
    (
        &["53400"],
        Classification::new(Backend, "the server's configured limit for a resource is reached"),
    ),
    (&["53"], UNAVAILABLE),
    (&["54"], TOO_LONG),
    (&["55P03"], TRANSACTION_CONFLICT),
    (&["57014"], CANCELLED),
    (&["57P01", "57P05"], SESSION_ENDED),
    // Another session crashed; starting, stopping or recovering; the database was dropped.
    (&["57P02", "57P03", "57P04"], UNAVAILABLE),
    (&["57"], UNAVAILABLE),
    (&["58"], IO),
    (&["72"], Classification::new(Conflict, "the snapshot is too old")),
    (&["P0"], CONSTRAINT_VIOLATION),
    (&["XX001", "XX002"], DAMAGED),
];

/// By the code; for errors of a pooler, by the message.
pub(super) fn classify(code: &str, message: &str) -> Classification {
    if code == "08P01" {
        return classify_pooler(message);
    }
    let row = TABLE.iter().find(|(codes, _)| codes.iter().any(|known| code.starts_with(known)));
    row.map_or(UNCLASSIFIED, |(_, classification)| *classification)
}

/// `protocol_violation`, which PgBouncer uses for most of its errors.
fn classify_pooler(message: &str) -> Classification {
    if message.contains("startup parameter") {
        return Classification::new(
            InvalidSettings,
            "the pooler refuses a parameter of the connection: remove it from the URL, or add it \
             to PgBouncer's `ignore_startup_parameters`",
        )
        .ending_session();
    }
    if message.contains("statement pooling") {
        return Classification::new(
            InvalidSettings,
            "the pooler does not support transactions: PgBouncer needs `pool_mode = transaction` \
             or `session`",
        )
        .ending_session();
    }
    // A statement that another client prepared.
    if message.starts_with("bind message supplies") {
        return POOLER;
    }
    Classification::new(
        Connection,
        "the database server, or a pooler in front of it, closed the connection",
    )
    .ending_session()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_shadows_a_later_one() {
        let codes: Vec<_> = TABLE.iter().flat_map(|(codes, _)| codes.iter()).collect();
        for (index, code) in codes.iter().enumerate() {
            assert!(matches!(code.len(), 2 | 5), "{code}");
            assert!(!codes[..index].iter().any(|earlier| code.starts_with(**earlier)), "{code}");
        }
    }

    #[test]
    fn every_code_is_classified_by_its_row() {
        for (codes, expected) in TABLE {
            for code in *codes {
                // For a class, a code without a row.
                let code = if code.len() == 2 { format!("{code}ZZZ") } else { (*code).to_owned() };
                if code != "08P01" {
                    assert_eq!(classify(&code, ""), *expected, "{code}");
                }
            }
        }
    }

    #[test]
    fn what_a_retry_cannot_fix_is_not_retryable() {
        for (code, retry, ends_session) in [
            ("40001", true, false),
            ("40P01", true, false),
            ("55P03", true, false),
            ("57014", true, false),
            ("57P01", true, true),
            ("57P03", true, true),
            ("25006", true, true),
            ("25P03", true, true),
            ("53300", true, true),
            ("53100", false, false),
            ("42501", false, false),
            ("42P01", false, false),
            ("28P01", false, false),
            ("3D000", false, false),
            ("0A000", false, false),
            ("XX000", false, false),
        ] {
            let actual = classify(code, "");
            assert_eq!((actual.is_retryable, actual.ends_session), (retry, ends_session), "{code}");
        }
        let refused = classify("08P01", "unsupported startup parameter: extra_float_digits");
        assert_eq!((refused.kind, refused.is_retryable), (InvalidSettings, false));
        assert_eq!(classify("08P01", "query_wait_timeout").kind, Connection);
    }
}

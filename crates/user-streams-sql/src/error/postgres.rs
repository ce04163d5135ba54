//! PostgreSQL, by SQLSTATE: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.

use user_streams_core::ErrorKind::{
    Backend, Conflict, Connection, InvalidContent, InvalidSettings, InvalidUserId, Timeout,
};

use super::meaning::{
    CANCELLED, CONSTRAINT, DAMAGED, DISK_FULL, ENDED, FULL, IN_THE_WAY, IO, Meaning, NO_DATABASE,
    NO_LOGIN, NO_MEMORY, NO_RIGHT, NO_SUCH_USER, NO_WRITES, NOT_AVAILABLE, NOT_MIGRATED,
    OTHER_COLUMNS, OTHER_KIND, REFUSED, SAME_ROW, THERE_ALREADY, TOO_LONG, TOO_OLD, VALUE,
};

/// A transaction that is not over, of a session that is.
const OVER: Meaning =
    Meaning::new(Timeout, "the server ended a transaction that took too long").ending_session();

const POOLER: Meaning = Meaning::new(
    InvalidSettings,
    "a pooler gives statements to sessions that do not know them: PgBouncer needs `pool_mode = \
     session`, or \
     version 1.21 and `max_prepared_statements`",
)
.ending_session();

/// The codes, each with its meaning; two characters are a class, for those of its codes that are
/// not above it.
const TABLE: &[(&[&str], Meaning)] = &[
    // What the pooler PgBouncer says is 08P01, whatever it is, before some version or other.
    (&["08"], NOT_AVAILABLE),
    (&["21000"], VALUE),
    (&["22P02", "22003"], OTHER_KIND),
    (&["22001"], TOO_LONG),
    (
        &["22021", "22P05"],
        Meaning::new(
            InvalidContent,
            "the database's encoding does not have a character of the content or of a user id: \
             make it in UTF8",
        ),
    ),
    (&["22"], VALUE),
    (&["23505"], SAME_ROW),
    (&["23503"], NO_SUCH_USER),
    (&["23502"], Meaning::new(InvalidUserId, "a recipient's id is NULL")),
    (&["23"], CONSTRAINT),
    (&["25006"], NO_WRITES),
    (&["25P03", "25P04"], OVER),
    // Nothing runs on it until the transaction ends.
    (
        &["25"],
        Meaning::new(Backend, "the session is in the wrong state for the statement")
            .ending_session(),
    ),
    (&["26000", "42P05"], POOLER),
    (&["28"], NO_LOGIN),
    (&["3D"], NO_DATABASE),
    (
        &["3F"],
        Meaning::new(
            InvalidSettings,
            "the schema does not exist, or no schema of the login's `search_path` does",
        ),
    ),
    (&["40"], IN_THE_WAY),
    (&["42501"], NO_RIGHT),
    (&["42P01"], NOT_MIGRATED),
    (&["42703"], OTHER_COLUMNS),
    (&["42P07", "42710"], THERE_ALREADY),
    // No operator for a column of one kind and a parameter of another.
    (&["42804", "42846", "42883"], OTHER_KIND),
    (&["42601"], TOO_OLD),
    (&["53100"], DISK_FULL),
    (&["53200"], NO_MEMORY),
    (&["53300"], FULL),
    (&["53400"], Meaning::new(Backend, "the server's configured limit for a resource is reached")),
    (&["53"], NOT_AVAILABLE),
    (&["54"], TOO_LONG),
    (&["55P03"], IN_THE_WAY),
    (&["57014"], CANCELLED),
    (&["57P01", "57P05"], ENDED),
    // After another session's crash; starting, stopping or recovering; the database is dropped.
    (&["57P02", "57P03", "57P04"], NOT_AVAILABLE),
    (&["57"], NOT_AVAILABLE),
    (&["58"], IO),
    (&["72"], Meaning::new(Conflict, "the snapshot is too old")),
    (&["P0"], CONSTRAINT),
    (&["XX001", "XX002"], DAMAGED),
];

/// By its code; of what a pooler says, by its words.
pub(super) fn meaning(code: &str, message: &str) -> Meaning {
    if code == "08P01" {
        return of_pooler(message);
    }
    let row = TABLE.iter().find(|(codes, _)| codes.iter().any(|known| code.starts_with(known)));
    row.map_or(REFUSED, |(_, meaning)| *meaning)
}

/// `protocol_violation`, which PgBouncer says for most that it has to say.
fn of_pooler(message: &str) -> Meaning {
    if message.contains("startup parameter") {
        return Meaning::new(
            InvalidSettings,
            "the pooler refuses a parameter of the connection: take it out of the URL, or name it \
             in PgBouncer's \
             `ignore_startup_parameters`",
        )
        .ending_session();
    }
    if message.contains("statement pooling") {
        return Meaning::new(
            InvalidSettings,
            "the pooler takes no transactions: PgBouncer needs `pool_mode = transaction` or \
             `session`",
        )
        .ending_session();
    }
    // A statement that another client prepared.
    if message.starts_with("bind message supplies") {
        return POOLER;
    }
    Meaning::new(Connection, "the database server, or a pooler before it, broke off")
        .ending_session()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_hides_a_later_one() {
        let codes: Vec<_> = TABLE.iter().flat_map(|(codes, _)| codes.iter()).collect();
        for (index, code) in codes.iter().enumerate() {
            assert!(matches!(code.len(), 2 | 5), "{code}");
            assert!(!codes[..index].iter().any(|earlier| code.starts_with(**earlier)), "{code}");
        }
    }

    #[test]
    fn every_code_has_its_own_row_s_meaning() {
        for (codes, expected) in TABLE {
            for code in *codes {
                // Of a class a code that has no row.
                let code = if code.len() == 2 { format!("{code}ZZZ") } else { (*code).to_owned() };
                if code != "08P01" {
                    assert_eq!(meaning(&code, ""), *expected, "{code}");
                }
            }
        }
    }

    #[test]
    fn what_a_retry_cannot_mend_is_not_retryable() {
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
            let meaning = meaning(code, "");
            assert_eq!((meaning.retry, meaning.ends_session), (retry, ends_session), "{code}");
        }
        let refused = meaning("08P01", "unsupported startup parameter: extra_float_digits");
        assert_eq!((refused.kind, refused.retry), (InvalidSettings, false));
        assert_eq!(meaning("08P01", "query_wait_timeout").kind, Connection);
    }
}

//! The parameters of a PostgreSQL URL.

use crate::url::{
    parameters::{Parameter, Unsupported, one_of, statements, text},
    server::Server,
    tls::{Mode, Names, Tls},
};

/// The parts of a URL.
#[derive(Debug, Default)]
pub(in crate::url) struct PostgresUrl {
    pub(super) server: Server,
    pub(super) tls: Tls,
    pub(super) application_name: Option<String>,
    pub(super) options: Vec<(String, String)>,
    pub(super) statement_cache_capacity: Option<usize>,
}

const MODES: &[(&str, Mode)] = &[
    ("disable", Mode::Plain),
    ("prefer", Mode::Prefer),
    ("require", Mode::Require),
    ("verify-ca", Mode::VerifyCa),
    ("verify-full", Mode::VerifyFull),
];

pub(super) const TLS: Names = Names {
    mode: "sslmode",
    ca: "sslrootcert",
    certificate: "sslcert",
    key: "sslkey",
    verify_ca: "verify-ca",
    verify_full: "verify-full",
};

pub(in crate::url) const PARAMETERS: &[Parameter<PostgresUrl>] = &[
    Parameter {
        name: "sslmode",
        aliases: &["ssl-mode"],
        values: "`disable`, `prefer`, `require`, `verify-ca`, `verify-full`",
        meaning: "whether TLS is used and what it verifies, see [TLS](#tls)",
        read: |url, value| one_of(MODES, value).map(|mode| url.tls.mode = Some(mode)),
    },
    Parameter {
        name: "sslrootcert",
        aliases: &["ssl-root-cert", "ssl-ca"],
        values: "a file, PEM",
        meaning: "the CA of the server's certificate",
        read: |url, value| text(value).map(|file| url.tls.ca = Some(file.into())),
    },
    Parameter {
        name: "sslcert",
        aliases: &["ssl-cert"],
        values: "a file, PEM",
        meaning: "the client's certificate",
        read: |url, value| text(value).map(|file| url.tls.certificate = Some(file.into())),
    },
    Parameter {
        name: "sslkey",
        aliases: &["ssl-key"],
        values: "a file, PEM, not encrypted",
        meaning: "the key of the client's certificate",
        read: |url, value| text(value).map(|file| url.tls.key = Some(file.into())),
    },
    Parameter {
        name: "application_name",
        aliases: &[],
        values: "a text; `user-streams` by default",
        meaning: "the name of the sessions in `pg_stat_activity`",
        read: |url, value| {
            url.application_name = Some(value.to_owned());
            Ok(())
        },
    },
    Parameter {
        name: "options",
        aliases: &[],
        values: "such as `-c search_path=app`, a space being `%20` or `+`",
        meaning: "settings of the session",
        read: |url, value| settings(value).map(|settings| url.options = settings),
    },
    Parameter {
        name: "host",
        aliases: &[],
        values: "a host, or the directory of a Unix socket such as `/run/postgresql`",
        meaning: "the host, instead of that before the path",
        read: |url, value| url.server.read_host(value),
    },
    Parameter {
        name: "port",
        aliases: &[],
        values: "1 to 65535; 5432 by default",
        meaning: "the port, instead of that before the path",
        read: |url, value| url.server.read_port(value),
    },
    Parameter {
        name: "user",
        aliases: &[],
        values: "a name",
        meaning: "the user, instead of that before the host",
        read: |url, value| text(value).map(|user| url.server.user = Some(user)),
    },
    Parameter {
        name: "password",
        aliases: &[],
        values: "a text",
        meaning: "the password, instead of that before the host",
        read: |url, value| text(value).map(|password| url.server.password = Some(password)),
    },
    Parameter {
        name: "dbname",
        aliases: &[],
        values: "a name; the user's by default",
        meaning: "the database, instead of the path",
        read: |url, value| text(value).map(|database| url.server.database = Some(database)),
    },
    Parameter {
        name: "statement-cache-capacity",
        aliases: &[],
        values: "0 to 100000; 100 by default",
        meaning: "how many prepared statements each session keeps",
        read: |url, value| {
            statements(value).map(|number| url.statement_cache_capacity = Some(number))
        },
    },
];

pub(super) const UNSUPPORTED: &[Unsupported] = &[
    Unsupported {
        names: &["currentSchema", "options[search_path]", "schema", "search_path"],
        advice: "write `options=-c%20search_path=…`",
    },
    Unsupported {
        names: &["ssl", "tls", "sslnegotiation", "sslsni", "requiressl"],
        advice: "write `sslmode=verify-full`, or another `sslmode`",
    },
    Unsupported { names: &["hostaddr"], advice: "write the address as the host" },
    Unsupported {
        names: &["connect_timeout", "connectTimeout"],
        advice: "it is an option of the backend, `connect_timeout`",
    },
    Unsupported {
        names: &["statement_timeout"],
        advice: "it is an option of the backend, `operation_timeout`",
    },
    Unsupported {
        names: &["max_connections", "connection_limit", "pool_size", "pool_max_conns"],
        advice: "it is an option of the backend, `max_connections`",
    },
    Unsupported { names: &["passfile", "service"], advice: "everything is in the URL" },
    Unsupported {
        names: &[
            "channel_binding",
            "client_encoding",
            "fallback_application_name",
            "gssdelegation",
            "gssencmode",
            "gsslib",
            "keepalives",
            "keepalives_count",
            "keepalives_idle",
            "keepalives_interval",
            "krbsrvname",
            "load_balance_hosts",
            "max_protocol_version",
            "min_protocol_version",
            "replication",
            "require_auth",
            "requirepeer",
            "ssl_max_protocol_version",
            "ssl_min_protocol_version",
            "sslcertmode",
            "sslcompression",
            "sslcrl",
            "sslcrldir",
            "sslkeylogfile",
            "sslpassword",
            "target_session_attrs",
            "tcp_user_timeout",
        ],
        advice: "libpq has it, this driver does not: remove it if nothing depends on it",
    },
];

/// Parses `-c name=value` and `--name=value`; a space within a value is `\ `.
fn settings(text: &str) -> Result<Vec<(String, String)>, String> {
    let expected = || "`-c name=value`, once or several times".to_owned();
    let mut words = Vec::new();
    let (mut word, mut chars) = (String::new(), text.chars());
    while let Some(c) = chars.next() {
        match c {
            // Of escaped white space, sqlx supports only the space.
            '\\' => {
                let escaped = chars.next().filter(|c| *c == ' ' || !c.is_whitespace());
                word.push(escaped.ok_or_else(expected)?);
            }
            c if c.is_whitespace() => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    let mut words = words.into_iter().filter(|word| !word.is_empty());
    let mut settings = Vec::new();
    while let Some(word) = words.next() {
        let setting = match (word.strip_prefix("--"), word.strip_prefix("-c")) {
            (Some(setting), _) => setting.to_owned(),
            (None, Some("")) => words.next().ok_or_else(expected)?,
            (None, Some(setting)) => setting.to_owned(),
            (None, None) => return Err(expected()),
        };
        let (name, value) = setting.split_once('=').ok_or_else(expected)?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(expected());
        }
        settings.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(settings)
}

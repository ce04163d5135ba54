//! The parameters of a MySQL URL.

use std::path::PathBuf;

use crate::url::{
    parameters::{Parameter, Unsupported, one_of, statements, text},
    server::Server,
    tls::{Mode, Names, Tls},
};

/// The parts of a URL.
#[derive(Debug, Default)]
pub(in crate::url) struct MySqlUrl {
    pub(super) server: Server,
    pub(super) tls: Tls,
    pub(super) socket: Option<PathBuf>,
    pub(super) collation: Option<String>,
    pub(super) timezone: Option<String>,
    pub(super) statement_cache_capacity: Option<usize>,
}

const MODES: &[(&str, Mode)] = &[
    ("DISABLED", Mode::Plain),
    ("PREFERRED", Mode::Prefer),
    ("REQUIRED", Mode::Require),
    ("VERIFY_CA", Mode::VerifyCa),
    ("VERIFY_IDENTITY", Mode::VerifyFull),
];

pub(super) const TLS: Names = Names {
    mode: "ssl-mode",
    ca: "ssl-ca",
    certificate: "ssl-cert",
    key: "ssl-key",
    verify_ca: "VERIFY_CA",
    verify_full: "VERIFY_IDENTITY",
};

pub(in crate::url) const PARAMETERS: &[Parameter<MySqlUrl>] = &[
    Parameter {
        name: "ssl-mode",
        aliases: &["sslmode"],
        values: "`DISABLED`, `PREFERRED`, `REQUIRED`, `VERIFY_CA`, `VERIFY_IDENTITY`",
        meaning: "whether TLS is used and what it verifies, see [TLS](#tls)",
        read: |url, value| one_of(MODES, value).map(|mode| url.tls.mode = Some(mode)),
    },
    Parameter {
        name: "ssl-ca",
        aliases: &["sslca"],
        values: "a file, PEM",
        meaning: "the CA of the server's certificate",
        read: |url, value| text(value).map(|file| url.tls.ca = Some(file.into())),
    },
    Parameter {
        name: "ssl-cert",
        aliases: &["sslcert"],
        values: "a file, PEM",
        meaning: "the client's certificate",
        read: |url, value| text(value).map(|file| url.tls.certificate = Some(file.into())),
    },
    Parameter {
        name: "ssl-key",
        aliases: &["sslkey"],
        values: "a file, PEM, not encrypted",
        meaning: "the key of the client's certificate",
        read: |url, value| text(value).map(|file| url.tls.key = Some(file.into())),
    },
    Parameter {
        name: "socket",
        aliases: &[],
        values: "a file, such as `/run/mysqld/mysqld.sock`",
        meaning: "the Unix socket, instead of the host and the port",
        read: |url, value| text(value).map(|file| url.socket = Some(file.into())),
    },
    Parameter {
        name: "charset",
        aliases: &[],
        values: "`utf8mb4`",
        meaning: "the character set; no other can store all content",
        read: |_, value| one_of(&[("utf8mb4", ())], value),
    },
    Parameter {
        name: "collation",
        aliases: &[],
        values: "one of `utf8mb4`; the server's by default",
        meaning: "the collation of the session, for `users(select)`",
        read: |url, value| collation(value).map(|collation| url.collation = Some(collation)),
    },
    Parameter {
        name: "timezone",
        aliases: &["time-zone"],
        values: "such as `Europe/Paris` or `%2B02:00`; UTC by default",
        meaning: "the time zone of the session, for `users(select)`",
        read: |url, value| timezone(value).map(|timezone| url.timezone = Some(timezone)),
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
        names: &["useSSL", "requireSSL", "ssl", "tls", "verifyServerCertificate"],
        advice: "write `ssl-mode=VERIFY_IDENTITY`, or another `ssl-mode`",
    },
    Unsupported { names: &["serverTimezone", "connectionTimeZone"], advice: "write `timezone`" },
    Unsupported { names: &["characterEncoding", "useUnicode"], advice: "content is always UTF-8" },
    Unsupported { names: &["unix_socket", "unixSocket"], advice: "write `socket`" },
    Unsupported {
        names: &["connect_timeout", "connectTimeout"],
        advice: "it is an option of the backend, `connect_timeout`",
    },
    Unsupported {
        names: &["max_connections", "connection_limit", "pool_size"],
        advice: "it is an option of the backend, `max_connections`",
    },
    Unsupported {
        names: &["user", "password", "host", "port", "database"],
        advice: "write `mysql://user:password@host:port/database`",
    },
];

/// The driver inserts the collation and the time zone into a statement without quoting.
fn collation(value: &str) -> Result<String, String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if value.starts_with("utf8mb4_") && value.chars().all(is_name) {
        Ok(value.to_owned())
    } else {
        Err("a collation of utf8mb4, such as `utf8mb4_general_ci`".to_owned())
    }
}

fn timezone(value: &str) -> Result<String, String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_+-:/".contains(c);
    if !value.is_empty() && value.chars().all(is_name) {
        Ok(value.to_owned())
    } else {
        Err("a time zone, such as `Europe/Paris` or `%2B02:00`, where `%2B` is the `+`".to_owned())
    }
}

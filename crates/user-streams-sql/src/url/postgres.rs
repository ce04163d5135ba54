//! URLs of PostgreSQL, `postgres://` or `postgresql://`. Names and meanings are libpq's.

use std::env;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use user_streams_core::Result;

use super::{
    invalid,
    parameters::{self, Foreign, Parameter, one_of, statements, text},
    server::{self, Server},
    tls::{Mode, Names, Tls},
};

#[derive(Debug, Default)]
pub(super) struct PostgresUrl {
    server: Server,
    tls: Tls,
    application_name: Option<String>,
    options: Vec<(String, String)>,
    statement_cache_capacity: Option<usize>,
}

const MODES: &[(&str, Mode)] = &[
    ("disable", Mode::Plain),
    ("prefer", Mode::Prefer),
    ("require", Mode::Require),
    ("verify-ca", Mode::VerifyCa),
    ("verify-full", Mode::VerifyFull),
];

const TLS: Names = Names {
    mode: "sslmode",
    ca: "sslrootcert",
    certificate: "sslcert",
    key: "sslkey",
    verify_ca: "verify-ca",
    verify_full: "verify-full",
};

/// What shows in `pg_stat_activity`.
const APPLICATION_NAME: &str = "user-streams";

pub(super) const PARAMETERS: &[Parameter<PostgresUrl>] = &[
    Parameter {
        name: "sslmode",
        also: &["ssl-mode"],
        values: "`disable`, `prefer`, `require`, `verify-ca`, `verify-full`",
        meaning: "whether TLS is used and what it verifies, see [TLS](#tls)",
        read: |url, value| one_of(MODES, value).map(|mode| url.tls.mode = Some(mode)),
    },
    Parameter {
        name: "sslrootcert",
        also: &["ssl-root-cert", "ssl-ca"],
        values: "a file, PEM",
        meaning: "the CA of the server's certificate",
        read: |url, value| text(value).map(|file| url.tls.ca = Some(file.into())),
    },
    Parameter {
        name: "sslcert",
        also: &["ssl-cert"],
        values: "a file, PEM",
        meaning: "the client's certificate",
        read: |url, value| text(value).map(|file| url.tls.certificate = Some(file.into())),
    },
    Parameter {
        name: "sslkey",
        also: &["ssl-key"],
        values: "a file, PEM, not encrypted",
        meaning: "the key of the client's certificate",
        read: |url, value| text(value).map(|file| url.tls.key = Some(file.into())),
    },
    Parameter {
        name: "application_name",
        also: &[],
        values: "a text; `user-streams` by default",
        meaning: "how sessions are called in `pg_stat_activity`",
        read: |url, value| {
            url.application_name = Some(value.to_owned());
            Ok(())
        },
    },
    Parameter {
        name: "options",
        also: &[],
        values: "such as `-c search_path=app`, a space being `%20` or `+`",
        meaning: "settings of the session",
        read: |url, value| settings(value).map(|settings| url.options = settings),
    },
    Parameter {
        name: "host",
        also: &[],
        values: "a host, or the directory of a Unix socket such as `/run/postgresql`",
        meaning: "the host, instead of that before the path",
        read: |url, value| url.server.read_host(value),
    },
    Parameter {
        name: "port",
        also: &[],
        values: "1 to 65535; 5432 by default",
        meaning: "the port, instead of that before the path",
        read: |url, value| url.server.read_port(value),
    },
    Parameter {
        name: "user",
        also: &[],
        values: "a name",
        meaning: "the user, instead of that before the host",
        read: |url, value| text(value).map(|user| url.server.user = Some(user)),
    },
    Parameter {
        name: "password",
        also: &[],
        values: "a text",
        meaning: "the password, instead of that before the host",
        read: |url, value| text(value).map(|password| url.server.password = Some(password)),
    },
    Parameter {
        name: "dbname",
        also: &[],
        values: "a name; the user's by default",
        meaning: "the database, instead of the path",
        read: |url, value| text(value).map(|database| url.server.database = Some(database)),
    },
    Parameter {
        name: "statement-cache-capacity",
        also: &[],
        values: "0 to 100000; 100 by default",
        meaning: "prepared statements that each session keeps",
        read: |url, value| {
            statements(value).map(|number| url.statement_cache_capacity = Some(number))
        },
    },
];

const FOREIGN: &[Foreign] = &[
    Foreign {
        names: &["currentSchema", "options[search_path]", "schema", "search_path"],
        advice: "write `options=-c%20search_path=…`",
    },
    Foreign {
        names: &["ssl", "tls", "sslnegotiation", "sslsni", "requiressl"],
        advice: "write `sslmode=verify-full`, or another `sslmode`",
    },
    Foreign { names: &["hostaddr"], advice: "write the address as the host" },
    Foreign {
        names: &["connect_timeout", "connectTimeout"],
        advice: "it is an option of the backend, `connect_timeout`",
    },
    Foreign {
        names: &["statement_timeout"],
        advice: "it is an option of the backend, `operation_timeout`",
    },
    Foreign {
        names: &["max_connections", "connection_limit", "pool_size", "pool_max_conns"],
        advice: "it is an option of the backend, `max_connections`",
    },
    Foreign { names: &["passfile", "service"], advice: "the URL alone decides" },
    Foreign {
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
        advice: "libpq has it, this driver does not: take it away if nothing depends on it",
    },
];

/// The options of sqlx for a URL. Nothing else decides, such as `PGHOST` or `~/.pgpass`.
pub(crate) fn postgres(url: &str) -> Result<PgConnectOptions> {
    let (server, query) = server::split(url)?;
    let mut url = PostgresUrl { server, ..PostgresUrl::default() };
    parameters::read(query.as_deref(), PARAMETERS, FOREIGN, &mut url)?;
    url.options()
}

impl PostgresUrl {
    fn options(self) -> Result<PgConnectOptions> {
        let Self { server, tls, application_name, options: settings, statement_cache_capacity } =
            self;
        let mode = tls.check(&TLS)?;
        let user = server.user()?;
        // This reads the environment, so each of its parts is set below.
        let mut options = PgConnectOptions::new_without_pgpass();
        if options.get_options().is_some() {
            return Err(overridden("PGOPTIONS"));
        }
        options = match server.host.as_deref() {
            Some(directory) if directory.starts_with('/') => {
                if mode >= Mode::Require {
                    return Err(invalid(
                        "a Unix socket has no TLS: take `sslmode` and its files away",
                    ));
                }
                options.socket(directory).host("localhost")
            }
            Some(host) => options.host(host),
            None => {
                return Err(invalid(
                    "it names no host: write `postgres://user@host/database`, or for a Unix socket \
                     `postgres://user@/database?host=/run/postgresql`",
                ));
            }
        };
        options = options
            .port(server.port.unwrap_or(5432))
            .username(user)
            .password(server.password.as_deref().unwrap_or_default())
            .database(server.database.as_deref().unwrap_or(user))
            .application_name(application_name.as_deref().unwrap_or(APPLICATION_NAME))
            // PgBouncer refuses it, and no float is read.
            .extra_float_digits(None)
            .ssl_mode(match mode {
                Mode::Plain => PgSslMode::Disable,
                Mode::Prefer => PgSslMode::Prefer,
                Mode::Require => PgSslMode::Require,
                Mode::VerifyCa => PgSslMode::VerifyCa,
                Mode::VerifyFull => PgSslMode::VerifyFull,
            });
        options = match tls.ca {
            Some(file) => options.ssl_root_cert(file),
            None => options.ssl_root_cert_from_pem(Vec::new()),
        };
        options = match (tls.certificate, tls.key) {
            (Some(certificate), Some(key)) => {
                options.ssl_client_cert(certificate).ssl_client_key(key)
            }
            _ if mode == Mode::Plain => options,
            _ => match ["PGSSLCERT", "PGSSLKEY"].into_iter().find(|name| env::var(name).is_ok()) {
                Some(name) => return Err(overridden(name)),
                None => options,
            },
        };
        if let Some(capacity) = statement_cache_capacity {
            options = options.statement_cache_capacity(capacity);
        }
        Ok(if settings.is_empty() { options } else { options.options(settings) })
    }
}

/// The driver would add it, and has no way to leave it out.
fn overridden(variable: &str) -> user_streams_core::Error {
    invalid(format!(
        "the environment variable {variable} is set, and PostgreSQL's driver would use it: unset \
         it for this \
         program; its value belongs into the URL"
    ))
}

/// Takes `-c name=value` and `--name=value` apart; a space within a value is `\ `.
fn settings(text: &str) -> Result<Vec<(String, String)>, String> {
    let expected = || "`-c name=value`, once or several times".to_owned();
    let mut words = Vec::new();
    let (mut word, mut chars) = (String::new(), text.chars());
    while let Some(c) = chars.next() {
        match c {
            // Of the blanks, sqlx keeps a space alone.
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

#[cfg(test)]
#[path = "postgres_tests.rs"]
mod tests;

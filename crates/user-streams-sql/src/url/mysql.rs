//! URLs of MySQL and MariaDB, `mysql://` or `mariadb://`. Names and meanings are those of `mysql`.

use std::path::PathBuf;

use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use user_streams_core::Result;

use super::{
    invalid,
    parameters::{self, Foreign, Parameter, one_of, statements, text},
    server::{self, Server},
    tls::{Mode, Names, Tls},
};

#[derive(Debug, Default)]
pub(super) struct MySqlUrl {
    server: Server,
    tls: Tls,
    socket: Option<PathBuf>,
    collation: Option<String>,
    timezone: Option<String>,
    statement_cache_capacity: Option<usize>,
}

const MODES: &[(&str, Mode)] = &[
    ("DISABLED", Mode::Plain),
    ("PREFERRED", Mode::Prefer),
    ("REQUIRED", Mode::Require),
    ("VERIFY_CA", Mode::VerifyCa),
    ("VERIFY_IDENTITY", Mode::VerifyFull),
];

const TLS: Names = Names {
    mode: "ssl-mode",
    ca: "ssl-ca",
    certificate: "ssl-cert",
    key: "ssl-key",
    verify_ca: "VERIFY_CA",
    verify_full: "VERIFY_IDENTITY",
};

pub(super) const PARAMETERS: &[Parameter<MySqlUrl>] = &[
    Parameter {
        name: "ssl-mode",
        also: &["sslmode"],
        values: "`DISABLED`, `PREFERRED`, `REQUIRED`, `VERIFY_CA`, `VERIFY_IDENTITY`",
        meaning: "whether TLS is used and what it verifies, see [TLS](#tls)",
        read: |url, value| one_of(MODES, value).map(|mode| url.tls.mode = Some(mode)),
    },
    Parameter {
        name: "ssl-ca",
        also: &["sslca"],
        values: "a file, PEM",
        meaning: "the CA of the server's certificate",
        read: |url, value| text(value).map(|file| url.tls.ca = Some(file.into())),
    },
    Parameter {
        name: "ssl-cert",
        also: &["sslcert"],
        values: "a file, PEM",
        meaning: "the client's certificate",
        read: |url, value| text(value).map(|file| url.tls.certificate = Some(file.into())),
    },
    Parameter {
        name: "ssl-key",
        also: &["sslkey"],
        values: "a file, PEM, not encrypted",
        meaning: "the key of the client's certificate",
        read: |url, value| text(value).map(|file| url.tls.key = Some(file.into())),
    },
    Parameter {
        name: "socket",
        also: &[],
        values: "a file, such as `/run/mysqld/mysqld.sock`",
        meaning: "the Unix socket, instead of the host and the port",
        read: |url, value| text(value).map(|file| url.socket = Some(file.into())),
    },
    Parameter {
        name: "charset",
        also: &[],
        values: "`utf8mb4`",
        meaning: "the character set; no other keeps every content",
        read: |_, value| one_of(&[("utf8mb4", ())], value),
    },
    Parameter {
        name: "collation",
        also: &[],
        values: "one of `utf8mb4`; the server's by default",
        meaning: "the collation of the session, for `users(select)`",
        read: |url, value| collation(value).map(|collation| url.collation = Some(collation)),
    },
    Parameter {
        name: "timezone",
        also: &["time-zone"],
        values: "such as `Europe/Paris` or `%2B02:00`; UTC by default",
        meaning: "the time zone of the session, for `users(select)`",
        read: |url, value| timezone(value).map(|timezone| url.timezone = Some(timezone)),
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
        names: &["useSSL", "requireSSL", "ssl", "tls", "verifyServerCertificate"],
        advice: "write `ssl-mode=VERIFY_IDENTITY`, or another `ssl-mode`",
    },
    Foreign { names: &["serverTimezone", "connectionTimeZone"], advice: "write `timezone`" },
    Foreign { names: &["characterEncoding", "useUnicode"], advice: "content is UTF-8 always" },
    Foreign { names: &["unix_socket", "unixSocket"], advice: "write `socket`" },
    Foreign {
        names: &["connect_timeout", "connectTimeout"],
        advice: "it is an option of the backend, `connect_timeout`",
    },
    Foreign {
        names: &["max_connections", "connection_limit", "pool_size"],
        advice: "it is an option of the backend, `max_connections`",
    },
    Foreign {
        names: &["user", "password", "host", "port", "database"],
        advice: "write `mysql://user:password@host:port/database`",
    },
];

/// The options of sqlx for a URL.
pub(crate) fn mysql(url: &str) -> Result<MySqlConnectOptions> {
    let (server, query) = server::split(url)?;
    let mut url = MySqlUrl { server, ..MySqlUrl::default() };
    parameters::read(query.as_deref(), PARAMETERS, FOREIGN, &mut url)?;
    url.options()
}

impl MySqlUrl {
    fn options(self) -> Result<MySqlConnectOptions> {
        let Self { server, tls, socket, collation, timezone, statement_cache_capacity } = self;
        let mode = tls.check(&TLS)?;
        let mut options = MySqlConnectOptions::new();
        options = match (socket, server.host.as_deref()) {
            (Some(socket), host) => options.socket(socket).host(host.unwrap_or("localhost")),
            (None, Some(host)) if !host.starts_with('/') => options.host(host),
            (None, _) => {
                return Err(invalid(
                    "it names no host: write `mysql://user@host/database`, or for a Unix socket \
                     `mysql://user@/database?socket=/run/mysqld/mysqld.sock`",
                ));
            }
        };
        let Some(database) = &server.database else {
            return Err(invalid("it names no database: write `mysql://user@host/database`"));
        };
        options = options
            .port(server.port.unwrap_or(3306))
            .username(server.user()?)
            .database(database)
            .ssl_mode(match mode {
                Mode::Plain => MySqlSslMode::Disabled,
                Mode::Prefer => MySqlSslMode::Preferred,
                Mode::Require => MySqlSslMode::Required,
                Mode::VerifyCa => MySqlSslMode::VerifyCa,
                Mode::VerifyFull => MySqlSslMode::VerifyIdentity,
            });
        if let Some(password) = &server.password {
            options = options.password(password);
        }
        if let Some(file) = tls.ca {
            options = options.ssl_ca(file);
        }
        if let (Some(certificate), Some(key)) = (tls.certificate, tls.key) {
            options = options.ssl_client_cert(certificate).ssl_client_key(key);
        }
        if let Some(collation) = &collation {
            options = options.collation(collation);
        }
        if let Some(timezone) = timezone {
            options = options.timezone(timezone);
        }
        if let Some(capacity) = statement_cache_capacity {
            options = options.statement_cache_capacity(capacity);
        }
        Ok(options)
    }
}

/// The driver writes these two into a statement as they are.
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

#[cfg(test)]
#[path = "mysql_tests.rs"]
mod tests;

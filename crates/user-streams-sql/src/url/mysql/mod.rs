//! URLs of MySQL and MariaDB, `mysql://` or `mariadb://`. Names and meanings are those of `mysql`.

pub(super) mod parameters;

use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use user_streams_core::Result;

use self::parameters::{MySqlUrl, PARAMETERS, TLS, UNSUPPORTED};
use super::{invalid::invalid, parameters::read, server, tls::Mode};

/// The options of sqlx for a URL.
pub(crate) fn mysql(url: &str) -> Result<MySqlConnectOptions> {
    let (server, query) = server::split(url)?;
    let mut url = MySqlUrl { server, ..MySqlUrl::default() };
    read(query.as_deref(), PARAMETERS, UNSUPPORTED, &mut url)?;
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

#[cfg(test)]
mod tests;

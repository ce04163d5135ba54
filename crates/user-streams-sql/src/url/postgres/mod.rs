//! URLs of PostgreSQL, `postgres://` or `postgresql://`. Names and meanings are libpq's.

pub(super) mod parameters;

use std::env;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use user_streams_core::Result;

use self::parameters::{PARAMETERS, PostgresUrl, TLS, UNSUPPORTED};
use super::{invalid::invalid, parameters::read, server, tls::Mode};

/// Shown in `pg_stat_activity`.
const APPLICATION_NAME: &str = "user-streams";

/// The options of sqlx for a URL. They do not depend on the environment, such as `PGHOST` or
/// `~/.pgpass`.
pub(crate) fn postgres(url: &str) -> Result<PgConnectOptions> {
    let (server, query) = server::split(url)?;
    let mut url = PostgresUrl { server, ..PostgresUrl::default() };
    read(query.as_deref(), PARAMETERS, UNSUPPORTED, &mut url)?;
    url.options()
}

impl PostgresUrl {
    fn options(self) -> Result<PgConnectOptions> {
        let Self { server, tls, application_name, options: settings, statement_cache_capacity } =
            self;
        let mode = tls.check(&TLS)?;
        let user = server.user()?;
        // This reads the environment, so everything is overridden below.
        let mut options = PgConnectOptions::new_without_pgpass();
        if options.get_options().is_some() {
            return Err(overridden("PGOPTIONS"));
        }
        options = match server.host.as_deref() {
            Some(directory) if directory.starts_with('/') => {
                if mode >= Mode::Require {
                    return Err(invalid(
                        "a Unix socket has no TLS: remove `sslmode` and its files",
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
            // PgBouncer refuses it, and no floating-point number is read.
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

/// The driver would use it, and has no way to ignore it.
fn overridden(variable: &str) -> user_streams_core::Error {
    invalid(format!(
        "the environment variable {variable} is set, and PostgreSQL's driver would use it: unset \
         it for this program; its value belongs into the URL"
    ))
}

#[cfg(test)]
mod tests;

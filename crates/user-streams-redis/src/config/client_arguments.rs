//! Connection options beside the URL.

use std::{fmt, time::Duration};

use serde::Deserialize;
use user_streams_core::{Error, ErrorKind, Result};

/// The arguments of the Redis client; as JSON, the object of `USER_STREAMS_REDIS_CLIENT_ARGUMENTS`.
///
/// `Debug` hides the password.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ClientArguments {
    /// The user of the server's access control list; also `username`. In the URL:
    /// `redis://user:password@host`.
    #[serde(alias = "username")]
    pub user: Option<String>,
    /// The password. In the URL: `redis://:password@host`.
    pub password: Option<String>,
    /// The number of the database, 0 by default; also `db`. In the URL: `redis://host/2`. A cluster
    /// has database 0 alone.
    #[serde(alias = "db")]
    pub database: Option<u8>,
    /// The user of the sentinels, if they ask for one.
    pub sentinel_user: Option<String>,
    /// The password of the sentinels, if they ask for one.
    pub sentinel_password: Option<String>,
    /// A file, in PEM, of the authorities that may sign the server's certificate, instead of the
    /// system's. For `rediss`.
    pub tls_ca_file: Option<String>,
    /// A file, in PEM, of the certificate that the server is shown, with those between it and its
    /// authority. For `rediss`.
    pub tls_cert_file: Option<String>,
    /// A file, in PEM, of that certificate's key.
    pub tls_key_file: Option<String>,
    /// Connections per server, 1 to 64; 2 by default. All tasks of a runtime share them; each
    /// carries any number of commands at once.
    #[serde(deserialize_with = "number::pool_size")]
    pub pool_size: usize,
    /// How long the making of one connection may take, 5,000 by default.
    #[serde(deserialize_with = "number::connection_timeout_ms")]
    pub connection_timeout_ms: u64,
    /// How long an operation may take, with all its reconnects and redirects, 5,000 by default.
    /// Each batch of a broadcast counts by itself.
    #[serde(deserialize_with = "number::command_timeout_ms")]
    pub command_timeout_ms: u64,
    /// The longest pause between two attempts at a server that is down or busy, 500 by default.
    #[serde(deserialize_with = "number::retry_pause_ms")]
    pub retry_pause_ms: u64,
}

const CONNECTIONS: &str = "must be from 1 to 64";
const MILLISECONDS: &str = "must be from 1 to 86400000, a day";

/// What is no such number at all is refused by name and range, as what is out of range is by
/// [`ClientArguments::check`].
mod number {
    use serde::{Deserialize, Deserializer, de::Error};

    use super::{CONNECTIONS, MILLISECONDS};

    macro_rules! named {
        ($($name:ident: $number:ty, $range:expr;)*) => {$(
            pub(super) fn $name<'de, D: Deserializer<'de>>(value: D) -> Result<$number, D::Error> {
                let named = |error| D::Error::custom(format!("`{}` {}: \
                    {error}", stringify!($name), $range));
                <$number>::deserialize(value).map_err(named)
            }
        )*};
    }

    named! {
        pool_size: usize, CONNECTIONS;
        connection_timeout_ms: u64, MILLISECONDS;
        command_timeout_ms: u64, MILLISECONDS;
        retry_pause_ms: u64, MILLISECONDS;
    }
}

impl Default for ClientArguments {
    fn default() -> Self {
        Self {
            user: None,
            password: None,
            database: None,
            sentinel_user: None,
            sentinel_password: None,
            tls_ca_file: None,
            tls_cert_file: None,
            tls_key_file: None,
            pool_size: 2,
            connection_timeout_ms: 5_000,
            command_timeout_ms: 5_000,
            retry_pause_ms: 500,
        }
    }
}

impl ClientArguments {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the user.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Sets the password.
    #[must_use]
    pub fn with_password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Sets the number of the database.
    #[must_use]
    pub fn with_database(mut self, database: u8) -> Self {
        self.database = Some(database);
        self
    }

    /// Sets the user and the password of the sentinels.
    #[must_use]
    pub fn with_sentinel_login(
        mut self,
        user: Option<String>,
        password: impl Into<String>,
    ) -> Self {
        self.sentinel_user = user;
        self.sentinel_password = Some(password.into());
        self
    }

    /// Sets the file of the authorities that may sign the server's certificate, instead of the
    /// system's.
    #[must_use]
    pub fn with_tls_ca_file(mut self, path: impl Into<String>) -> Self {
        self.tls_ca_file = Some(path.into());
        self
    }

    /// Sets the files of the certificate that the server is shown, and of its key.
    #[must_use]
    pub fn with_tls_client_certificate(
        mut self,
        cert_file: impl Into<String>,
        key_file: impl Into<String>,
    ) -> Self {
        self.tls_cert_file = Some(cert_file.into());
        self.tls_key_file = Some(key_file.into());
        self
    }

    /// Sets the number of connections per server.
    #[must_use]
    pub fn with_pool_size(mut self, pool_size: usize) -> Self {
        self.pool_size = pool_size;
        self
    }

    /// Sets how long the making of a connection may take, in milliseconds.
    #[must_use]
    pub fn with_connection_timeout_ms(mut self, milliseconds: u64) -> Self {
        self.connection_timeout_ms = milliseconds;
        self
    }

    /// Sets how long an operation may take, in milliseconds.
    #[must_use]
    pub fn with_command_timeout_ms(mut self, milliseconds: u64) -> Self {
        self.command_timeout_ms = milliseconds;
        self
    }

    /// Sets the longest pause between two attempts, in milliseconds.
    #[must_use]
    pub fn with_retry_pause_ms(mut self, milliseconds: u64) -> Self {
        self.retry_pause_ms = milliseconds;
        self
    }

    pub(crate) fn check(&self) -> Result<()> {
        let invalid = |what: &str| {
            let message = format!("client_arguments: {what}");
            Err(Error::new(ErrorKind::InvalidSettings, message))
        };
        if !(1..=64).contains(&self.pool_size) {
            return invalid(&format!("`pool_size` {CONNECTIONS}"));
        }
        for (name, milliseconds) in [
            ("connection_timeout_ms", self.connection_timeout_ms),
            ("command_timeout_ms", self.command_timeout_ms),
            ("retry_pause_ms", self.retry_pause_ms),
        ] {
            if !(1..=86_400_000).contains(&milliseconds) {
                return invalid(&format!("`{name}` {MILLISECONDS}"));
            }
        }
        Ok(())
    }

    /// The name of an argument that is about TLS, if there is one.
    pub(crate) fn tls_name(&self) -> Option<&'static str> {
        let names = [
            (&self.tls_ca_file, "tls_ca_file"),
            (&self.tls_cert_file, "tls_cert_file"),
            (&self.tls_key_file, "tls_key_file"),
        ];
        names.into_iter().find_map(|(argument, name)| argument.is_some().then_some(name))
    }

    pub(crate) fn connection_timeout(&self) -> Duration {
        Duration::from_millis(self.connection_timeout_ms)
    }

    pub(crate) fn command_timeout(&self) -> Duration {
        Duration::from_millis(self.command_timeout_ms)
    }

    pub(crate) fn retry_pause(&self) -> Duration {
        Duration::from_millis(self.retry_pause_ms)
    }
}

impl fmt::Debug for ClientArguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |secret: &Option<String>| secret.as_ref().map(|_| "(hidden)");
        f.debug_struct("ClientArguments")
            .field("user", &self.user)
            .field("password", &hidden(&self.password))
            .field("database", &self.database)
            .field("sentinel_user", &self.sentinel_user)
            .field("sentinel_password", &hidden(&self.sentinel_password))
            .field("tls_ca_file", &self.tls_ca_file)
            .field("tls_cert_file", &self.tls_cert_file)
            .field("tls_key_file", &self.tls_key_file)
            .field("pool_size", &self.pool_size)
            .field("connection_timeout_ms", &self.connection_timeout_ms)
            .field("command_timeout_ms", &self.command_timeout_ms)
            .field("retry_pause_ms", &self.retry_pause_ms)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_never_work_is_refused_by_name() {
        assert!(ClientArguments::new().check().is_ok());
        for (arguments, name) in [
            (ClientArguments::new().with_pool_size(0), "pool_size"),
            (ClientArguments::new().with_pool_size(65), "pool_size"),
            (ClientArguments::new().with_command_timeout_ms(0), "command_timeout_ms"),
            (ClientArguments::new().with_connection_timeout_ms(u64::MAX), "connection_timeout_ms"),
        ] {
            let error = arguments.check().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidSettings);
            assert!(error.message().contains(name), "{error}");
        }
    }
}

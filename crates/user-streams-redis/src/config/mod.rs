//! The options of the backend.

mod client_arguments;
mod redis_py;

use std::time::Duration;

use serde::Deserialize;
use user_streams_core::{
    OnCorrupt, Result, UserIdKind,
    backend::{WaitLimit, timeout},
};

pub use self::client_arguments::ClientArguments;
#[cfg(feature = "rustls")]
pub(crate) use self::client_arguments::is_pem;
use crate::error::invalid_settings;

/// The name of the backend.
pub(crate) const NAME: &str = "redis";

/// The most connections to one server.
const MAX_CONNECTIONS: u32 = 64;

/// The options of [`RedisBackend`](crate::RedisBackend).
///
/// ```
/// use user_streams_core::UserIdKind;
/// use user_streams_redis::{ClientArguments, RedisConfig};
///
/// let config = RedisConfig::new()
///     .with_user_id(UserIdKind::Uuid)
///     .with_key_prefix("my_app")
///     .with_max_connections(4)
///     .with_client_arguments(ClientArguments::new().with_password("secret"));
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RedisConfig {
    /// The prefix of every key, `user_streams` by default. None of its segments, between colons,
    /// may be `stream`, `content`, `mark` or `feed`: its keys could be those of another prefix.
    pub key_prefix: String,
    /// The kind of user ids, `bigint` by default.
    pub user_id: UserIdKind,
    /// From how many bytes on content for several recipients is stored once, not with each of them.
    /// `None`, the default, is never. Not for a cluster.
    pub shared_content_min_len: Option<usize>,
    /// Whether what is added is published, and
    /// [`watch`](user_streams_core::backend::Backend::watch) is there; `false` by default, and
    /// `true` with the setting of this name. Set it in every process that adds.
    pub live: bool,
    /// What a read does at a stored item that cannot be read: it fails by default.
    pub on_corrupt: OnCorrupt,
    /// The connections to each server, 1 to 64; 2 by default. All tasks of a runtime share them,
    /// and each has any number of commands in flight.
    pub max_connections: u32,
    /// The most calls in flight, 1 to 1,000,000; 10,000 by default. Any more are `Overloaded` at
    /// once.
    pub max_waiting: usize,
    /// How long connecting may take; 5 seconds by default. As an option, this and the other
    /// durations are a number of seconds, 0.001 to 1,000,000.
    #[serde(deserialize_with = "timeout::deserialize")]
    pub connect_timeout: Duration,
    /// How long an operation may take, with all its reconnects and redirects; 5 seconds by default.
    /// Each batch of a broadcast is an operation.
    #[serde(deserialize_with = "timeout::deserialize")]
    pub operation_timeout: Duration,
    /// The longest delay between two attempts at a server that is down or busy; 0.5 seconds by
    /// default.
    #[serde(deserialize_with = "timeout::deserialize")]
    pub max_retry_delay: Duration,
    /// The logins, the database and the files of TLS. `Debug` hides the passwords.
    pub client_arguments: ClientArguments,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            key_prefix: "user_streams".to_owned(),
            user_id: UserIdKind::default(),
            shared_content_min_len: None,
            live: false,
            on_corrupt: OnCorrupt::default(),
            max_connections: 2,
            max_waiting: WaitLimit::DEFAULT,
            connect_timeout: Duration::from_secs(5),
            operation_timeout: Duration::from_secs(5),
            max_retry_delay: Duration::from_millis(500),
            client_arguments: ClientArguments::default(),
        }
    }
}

impl RedisConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the prefix of every key.
    #[must_use]
    pub fn with_key_prefix(mut self, key_prefix: impl Into<String>) -> Self {
        self.key_prefix = key_prefix.into();
        self
    }

    /// Sets the kind of user ids.
    #[must_use]
    pub fn with_user_id(mut self, user_id: UserIdKind) -> Self {
        self.user_id = user_id;
        self
    }

    /// Stores content of at least so many bytes once if it is for several recipients.
    #[must_use]
    pub fn with_shared_content_min_len(mut self, bytes: usize) -> Self {
        self.shared_content_min_len = Some(bytes);
        self
    }

    /// Has what is added published, and watched.
    #[must_use]
    pub fn with_live(mut self, live: bool) -> Self {
        self.live = live;
        self
    }

    /// Sets what a read does at a stored item that cannot be read.
    #[must_use]
    pub fn with_on_corrupt(mut self, on_corrupt: OnCorrupt) -> Self {
        self.on_corrupt = on_corrupt;
        self
    }

    /// Sets the number of connections to each server.
    #[must_use]
    pub fn with_max_connections(mut self, max_connections: u32) -> Self {
        self.max_connections = max_connections;
        self
    }

    /// Sets the most calls in flight.
    #[must_use]
    pub fn with_max_waiting(mut self, max_waiting: usize) -> Self {
        self.max_waiting = max_waiting;
        self
    }

    /// Sets how long connecting may take.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long an operation may take.
    #[must_use]
    pub fn with_operation_timeout(mut self, timeout: Duration) -> Self {
        self.operation_timeout = timeout;
        self
    }

    /// Sets the longest delay between two attempts.
    #[must_use]
    pub fn with_max_retry_delay(mut self, delay: Duration) -> Self {
        self.max_retry_delay = delay;
        self
    }

    /// Sets the logins, the database and the files of TLS.
    #[must_use]
    pub fn with_client_arguments(mut self, client_arguments: ClientArguments) -> Self {
        self.client_arguments = client_arguments;
        self
    }

    /// The limits, checked.
    pub(crate) fn limits(&self) -> Result<Limits> {
        if !(1..=MAX_CONNECTIONS).contains(&self.max_connections) {
            return Err(invalid_settings(format!(
                "max_connections: {} is out of range: expected 1 to {MAX_CONNECTIONS}",
                self.max_connections
            )));
        }
        Ok(Limits {
            max_connections: self.max_connections,
            connect_timeout: timeout::check("connect_timeout", self.connect_timeout)?,
            operation_timeout: timeout::check("operation_timeout", self.operation_timeout)?,
            max_retry_delay: timeout::check("max_retry_delay", self.max_retry_delay)?,
        })
    }
}

/// The options of those names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) max_connections: u32,
    pub(crate) connect_timeout: Duration,
    pub(crate) operation_timeout: Duration,
    pub(crate) max_retry_delay: Duration,
}

#[cfg(test)]
mod tests {
    use user_streams_core::{ErrorKind, backend::Options};

    use super::*;

    fn parse(json: &str) -> Result<RedisConfig> {
        serde_json::from_str::<Options>(json).unwrap().parse()
    }

    #[test]
    fn options_have_defaults_and_are_typed() {
        let config = parse("{}").unwrap();
        assert_eq!(
            (config.key_prefix.as_str(), config.user_id),
            ("user_streams", UserIdKind::BigInt)
        );
        let config = parse(
            r#"{"user_id": "uuid", "key_prefix": "p", "max_connections": 3, "connect_timeout": 0.5,
                "client_arguments": {"db": 2, "username": "u"}}"#,
        )
        .unwrap();
        assert_eq!((config.key_prefix.as_str(), config.user_id), ("p", UserIdKind::Uuid));
        assert_eq!(config.max_connections, 3);
        assert_eq!(config.connect_timeout, Duration::from_millis(500));
        let arguments = config.client_arguments;
        assert_eq!((arguments.database, arguments.user.as_deref()), (Some(2), Some("u")));
    }

    #[test]
    fn content_is_shared_from_a_length_on_or_never() {
        let length = |json| parse(json).unwrap().shared_content_min_len;
        assert_eq!(length("{}"), None);
        assert_eq!(length(r#"{"shared_content_min_len": null}"#), None);
        assert_eq!(length(r#"{"shared_content_min_len": 0}"#), Some(0));
        let error = parse(r#"{"shared_content_min_len": -1}"#).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSettings);
        assert!(error.message().contains("shared_content_min_len"), "{error}");
    }

    #[test]
    fn unknown_names_are_refused_with_the_known_ones() {
        let error = parse(r#"{"prefix": "p"}"#).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSettings);
        assert!(
            error.message().contains("`prefix`") && error.message().contains("`key_prefix`"),
            "{error}"
        );
        let error = parse(r#"{"client_arguments": {"tls_ca": "x"}}"#).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSettings);
        let message = error.message();
        assert!(message.contains("`tls_ca`") && message.contains("`tls_ca_file`"), "{error}");
        assert!(message.starts_with("client_arguments: "), "{error}");
    }

    #[test]
    fn arguments_of_redis_py_are_understood_or_refused_with_our_name() {
        let parse = |arguments: &str| parse(&format!(r#"{{"client_arguments": {arguments}}}"#));
        let config = parse(
            r#"{"db": 1, "username": "ann", "password": "p", "ssl_ca_certs": "a", "ssl_certfile":
                "b", "ssl_keyfile": "c", "unix_socket_path": null, "socket_timeout": null}"#,
        );
        let arguments = config.unwrap().client_arguments;
        assert_eq!((arguments.database, arguments.user.as_deref()), (Some(1), Some("ann")));
        assert_eq!(arguments.tls_ca_file.as_deref(), Some("a"));
        assert_eq!(arguments.tls_cert_file.as_deref(), Some("b"));
        assert_eq!(arguments.tls_key_file.as_deref(), Some("c"));
        for (name, ours) in [
            ("host", "redis://HOST:PORT"),
            ("port", "redis://HOST:PORT"),
            ("unix_socket_path", "redis+unix:///PATH"),
            ("ssl", "`rediss`"),
            ("socket_timeout", "`operation_timeout`"),
            ("socket_connect_timeout", "`connect_timeout`"),
            ("max_connections", "beside `client_arguments`"),
            ("decode_responses", "UTF-8"),
            ("client_name", "leave it out"),
            ("connection_pool", "`RedisBackend::new`"),
            ("pool_size", "`max_connections`"),
            ("connection_timeout_ms", "`connect_timeout`"),
            ("command_timeout_ms", "`operation_timeout`"),
            ("retry_pause_ms", "`max_retry_delay`"),
        ] {
            let error = parse(&format!(r#"{{"db": 0, "{name}": "s3cret"}}"#)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidSettings);
            let message = error.message();
            assert!(message.contains(&format!("`{name}`")), "{message}");
            assert!(message.contains(ours) && !message.contains("s3cret"), "{message}");
        }
        // A name that is unknown is refused without a value, too.
        assert!(parse(r#"{"hots": null}"#).is_err());
    }

    #[test]
    fn what_is_out_of_range_is_refused_by_name() {
        let config = RedisConfig::new();
        assert!(config.limits().is_ok());
        for (config, name) in [
            (config.clone().with_max_connections(0), "max_connections"),
            (config.clone().with_max_connections(65), "max_connections"),
            (config.clone().with_operation_timeout(Duration::ZERO), "operation_timeout"),
            (config.clone().with_max_retry_delay(Duration::ZERO), "max_retry_delay"),
            (config.with_connect_timeout(Duration::MAX), "connect_timeout"),
        ] {
            let error = config.limits().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidSettings);
            assert!(error.message().starts_with(&format!("{name}: ")), "{error}");
        }
    }

    #[test]
    fn secrets_do_not_show() {
        let arguments = ClientArguments::new().with_user("ann").with_password("s3cret");
        let shown = format!("{:?}", RedisConfig::new().with_client_arguments(arguments));
        assert!(!shown.contains("s3cret") && shown.contains("ann"), "{shown}");
    }
}

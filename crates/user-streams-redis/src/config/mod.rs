//! The options of the backend.

mod client_arguments;

use serde::Deserialize;
use user_streams_core::{UserIdKind, Waiting};

pub use client_arguments::ClientArguments;

/// The name of the backend.
pub(crate) const NAME: &str = "redis";

/// The options of [`RedisBackend`](crate::RedisBackend).
///
/// ```
/// use user_streams_core::UserIdKind;
/// use user_streams_redis::{ClientArguments, RedisConfig};
///
/// let config = RedisConfig::new()
///     .with_user_id(UserIdKind::Uuid)
///     .with_key_prefix("my_app")
///     .with_client_arguments(ClientArguments::new().with_pool_size(4));
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RedisConfig {
    /// What every key begins with, `user_streams` by default. It may not have `:user:` in it nor
    /// `:user` at its end: such a prefix could give the key of another prefix.
    pub key_prefix: String,
    /// The kind of user ids, `bigint` by default.
    pub user_id: UserIdKind,
    /// From how many bytes on a content that goes to several recipients is stored once, not with
    /// each of them. `None`, the default, is never. Not for a cluster.
    pub shared_content_min_len: Option<usize>,
    /// The most calls that wait for an answer, 1 to 1,000,000; 10,000 by default. Any more are
    /// `Overloaded` at once.
    pub max_waiting: usize,
    /// Connection options. `Debug` hides their secrets.
    pub client_arguments: ClientArguments,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            key_prefix: "user_streams".to_owned(),
            user_id: UserIdKind::default(),
            shared_content_min_len: None,
            max_waiting: Waiting::DEFAULT,
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

    /// Stores a content of at least so many bytes once if it goes to several recipients.
    #[must_use]
    pub fn with_shared_content_min_len(mut self, bytes: usize) -> Self {
        self.shared_content_min_len = Some(bytes);
        self
    }

    /// Sets the most calls that wait for an answer.
    #[must_use]
    pub fn with_max_waiting(mut self, max_waiting: usize) -> Self {
        self.max_waiting = max_waiting;
        self
    }

    /// Sets the connection options.
    #[must_use]
    pub fn with_client_arguments(mut self, client_arguments: ClientArguments) -> Self {
        self.client_arguments = client_arguments;
        self
    }
}

#[cfg(test)]
mod tests {
    use user_streams_core::{ErrorKind, Options};

    use super::*;

    fn parse(json: &str) -> user_streams_core::Result<RedisConfig> {
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
            r#"{"user_id": "uuid", "key_prefix": "p", "client_arguments": {"db": 2, "username": "u", "pool_size": 3}}"#,
        )
        .unwrap();
        assert_eq!((config.key_prefix.as_str(), config.user_id), ("p", UserIdKind::Uuid));
        let arguments = config.client_arguments;
        assert_eq!((arguments.database, arguments.pool_size), (Some(2), 3));
        assert_eq!(arguments.user.as_deref(), Some("u"));
    }

    #[test]
    fn contents_are_shared_from_a_length_on_or_never() {
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
        let error = parse(r#"{"client_arguments": {"socket_timeout": 5}}"#).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSettings);
        let message = error.message();
        assert!(
            message.contains("client_arguments") && message.contains("`command_timeout_ms`"),
            "{error}"
        );
    }

    #[test]
    fn secrets_do_not_show() {
        let arguments = ClientArguments::new().with_user("ann").with_password("s3cret");
        let shown = format!("{:?}", RedisConfig::new().with_client_arguments(arguments));
        assert!(!shown.contains("s3cret") && shown.contains("ann"), "{shown}");
    }
}

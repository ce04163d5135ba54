//! The options of each backend as JSON.

use serde_json::Value;
use user_streams_core::{Settings, backend::Options};

use super::{
    connect,
    json::{JSON_WORDS, SQL_WORDS, has_secret_name},
};
use crate::{outcome::Outcome, target::Target};

const MEMORY: &[&str] =
    &[r#"{"user_id": "text"}"#, r#"{"user_id": "s3cr3t"}"#, r#"{"unknown": "s3cr3t"}"#];
pub(super) const SQL: &[&str] = &[
    r#"{"user_id": "uuid", "table": "t", "users": "users.id", "max_connections": 4}"#,
    r#"{"max_waiting": 10, "connect_timeout": 0.5, "synchronous": "full"}"#,
    r#"{"broadcast_timeout": 3600, "recipients_timeout": 5, "user_id": "s3cr3t"}"#,
];
const REDIS: &[&str] = &[
    r#"{"user_id": "text", "key_prefix": "p", "max_connections": 3, "connect_timeout": 0.5}"#,
    r#"{"shared_content_min_len": 100, "operation_timeout": 5, "max_retry_delay": 0.5}"#,
    r#"{"unknown": "s3cr3t", "key_prefix": "a:user"}"#,
    r#"{"max_waiting": 7, "client_arguments": {"user": "ann", "password": "s3cr3t", "db": 2}}"#,
];
const REDIS_WORDS: &[&str] = &[
    "user_id",
    "key_prefix",
    "shared_content_min_len",
    "max_connections",
    "max_waiting",
    "connect_timeout",
    "operation_timeout",
    "max_retry_delay",
    "client_arguments",
    "bigint",
    ":stream:",
    "on_corrupt",
];
const ARGUMENTS: &[&str] = &[
    r#"{"user": "ann", "password": "s3cr3t", "database": 2}"#,
    r#"{"username": "ann", "password": "s3cr3t", "db": 0}"#,
    r#"{"sentinel_user": "ann", "sentinel_password": "s3cr3t"}"#,
    r#"{"tls_ca_file": "/none", "tls_cert_file": "s3cr3t", "tls_key_file": "k"}"#,
    r#"{"host": "h", "port": 6379, "db": 0, "socket_timeout": 5}"#,
];
const ARGUMENTS_WORDS: &[&str] = &[
    "user",
    "username",
    "password",
    "database",
    "db",
    "sentinel_user",
    "sentinel_password",
    "tls_ca_file",
    "tls_cert_file",
    "tls_key_file",
    "host",
    "socket_timeout",
];

pub(super) fn targets() -> Vec<Target> {
    let target = |name: &'static str, url: &'static str, seeds, words| {
        let words = [words, JSON_WORDS].concat();
        Target::of_text(name, seeds, &words, move |text| check(url, text))
    };
    vec![
        target("options/memory", "memory://", MEMORY, &["user_id", "uuid"]),
        target("options/single-table", "single-table+sqlite::memory:", SQL, SQL_WORDS),
        target("options/many-to-many", "many-to-many+mysql://ann@h/db", SQL, SQL_WORDS),
        target("options/redis", "redis://h", REDIS, REDIS_WORDS),
        Target::of_text(
            "client-arguments",
            ARGUMENTS,
            &[ARGUMENTS_WORDS, JSON_WORDS].concat(),
            client_arguments,
        ),
    ]
}

fn check(url: &str, text: &str) -> Outcome {
    let Ok(options) = serde_json::from_str::<serde_json::Map<String, Value>>(text) else {
        return Outcome::unreadable("no object");
    };
    let settings = options
        .into_iter()
        .fold(Settings::new(url), |settings, (name, value)| settings.with_option(name, value));
    connect::connect(&settings, || has_secret_name(text))
}

/// As a typed value, and as the text of its environment variable.
fn client_arguments(text: &str) -> Outcome {
    let variables = [
        ("USER_STREAMS_BACKEND", "redis-sentinel://h?sentinelServiceName=m"),
        ("USER_STREAMS_REDIS_CLIENT_ARGUMENTS", text),
    ];
    let of_environment = match Settings::from_vars(variables) {
        Ok(settings) => connect::connect(&settings, || has_secret_name(text)),
        Err(error) => Outcome::refused(&error, || false),
    };
    let Ok(value) = serde_json::from_str::<Value>(text) else { return of_environment };
    let mut options = Options::new();
    options.set("client_arguments", value.clone());
    if let Ok(config) = options.parse::<user_streams_redis::RedisConfig>() {
        shows_no_password(&config, &value);
    }
    let options = format!("{{\"client_arguments\":{value}}}");
    // With a file, since the system's certificates would be read each time.
    if value.get("tls_ca_file").is_some_and(Value::is_string) {
        check("rediss://h", &options);
    }
    check("redis-sentinel://h?sentinelServiceName=m", &options)
}

fn shows_no_password(config: &user_streams_redis::RedisConfig, arguments: &Value) {
    let has_secret = |(name, value): (&String, &Value)| {
        !name.ends_with("password") && value.to_string().contains(crate::outcome::SECRET)
    };
    let is_elsewhere = arguments.as_object().is_some_and(|object| object.iter().any(has_secret));
    let shown = format!("{config:?}");
    assert!(is_elsewhere || !shown.contains(crate::outcome::SECRET), "{shown}");
}

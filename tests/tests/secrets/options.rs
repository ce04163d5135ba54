//! Options and variables with an invalid value, which may be a password in the wrong place.

use serde_json::{Value, json};
use user_streams_core::{Settings, Streams};

use crate::shown;

async fn refused(what: &str, settings: Settings) {
    shown::check_debug(&settings);
    match Streams::connect(settings).await {
        Ok(_) => panic!("{what}: must be refused"),
        Err(error) => shown::check_error(what, &error),
    }
}

pub(crate) async fn no_error_of_an_option_shows_its_value() {
    const SQL: &[&str] = &["single-table+sqlite::memory:", "many-to-many+sqlite::memory:"];
    const REDIS: &[&str] = &["redis://127.0.0.1:1"];
    let text = || json!("s3cr3t");
    let cases: Vec<(&[&str], &str, Value)> = vec![
        (SQL, "user_id", text()),
        (SQL, "max_connections", text()),
        (SQL, "connect_timeout", text()),
        (SQL, "synchronous", text()),
        (SQL, "table", json!(["s3cr3t"])),
        (SQL, "table", json!("s3cr3t.s3cr3t")),
        (SQL, "table", json!({"s3cr3t": "s3cr3t"})),
        (SQL, "users", text()),
        (SQL, "unknown", text()),
        (&["memory://"], "user_id", text()),
        (&["memory://"], "unknown", text()),
        (REDIS, "user_id", text()),
        (REDIS, "key_prefix", json!({"s3cr3t": 1})),
        (REDIS, "key_prefix", json!("s3cr3t:stream")),
        (REDIS, "shared_content_min_len", text()),
        (REDIS, "client_arguments", text()),
        (REDIS, "client_arguments", json!(["s3cr3t"])),
        (REDIS, "client_arguments", json!({"password": ["s3cr3t"]})),
        (REDIS, "client_arguments", json!({"pasword": "s3cr3t"})),
        (REDIS, "client_arguments", json!({"user": "s3cr3t", "database": 256})),
        (REDIS, "max_connections", text()),
        (REDIS, "operation_timeout", text()),
    ];
    for (urls, name, value) in cases {
        for url in urls {
            let what = format!("{url}: {name} = {value}");
            refused(&what, Settings::new(*url).with_option(name, value.clone())).await;
        }
    }
}

pub(crate) async fn no_error_of_a_variable_shows_its_value() {
    for (backend, name, value) in [
        ("memory://", "USE_UTC", "s3cr3t"),
        ("memory://", "MAX_CONTENT_LEN", "s3cr3t"),
        ("memory://", "UNKNOWN", "s3cr3t"),
        ("memory://", "MEMORY_USER_ID", "s3cr3t"),
        ("memory://", "MEMORY_UNKNOWN", "s3cr3t"),
        ("single-table+sqlite::memory:", "SINGLE_TABLE_MAX_CONNECTIONS", "s3cr3t"),
        ("single-table+sqlite::memory:", "SINGLE_TABLE_SYNCHRONOUS", "s3cr3t"),
        ("many-to-many+sqlite::memory:", "MANY_TO_MANY_CONNECT_TIMEOUT", "s3cr3t"),
        ("redis://127.0.0.1:1", "REDIS_CLIENT_ARGUMENTS", "s3cr3t"),
        ("redis://127.0.0.1:1", "REDIS_CLIENT_ARGUMENTS", r#"{"password": "s3cr3t""#),
        ("redis://127.0.0.1:1", "REDIS_CLIENT_ARGUMENTS", r#"{"db": "s3cr3t"}"#),
        ("redis://127.0.0.1:1", "REDIS_CLIENT_ARGUMENTS", r#"["s3cr3t"]"#),
    ] {
        let what = format!("{name} = {value}");
        let variables =
            [("USER_STREAMS_BACKEND", backend), (&format!("USER_STREAMS_{name}"), value)];
        match Settings::from_vars(variables) {
            Ok(settings) => refused(&what, settings).await,
            Err(error) => shown::check_error(&what, &error),
        }
    }
}

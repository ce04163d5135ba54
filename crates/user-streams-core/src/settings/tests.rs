//! What the settings accept, and what they show.

use super::*;

#[test]
fn the_environment_gives_the_original_names() {
    let settings = Settings::from_vars([
        ("USER_STREAMS_BACKEND", "memory://"),
        ("USER_STREAMS_USE_UTC", "True"),
        ("USER_STREAMS_MAX_CONTENT_LEN", "10"),
        ("PATH", "/bin"),
    ])
    .unwrap();
    assert_eq!(
        (settings.backend(), settings.use_utc(), settings.max_content_len()),
        ("memory://", true, 10)
    );
}

#[test]
fn no_setting_of_core_is_taken_for_an_option() {
    let table = include_str!("mod.rs").split('`').filter(|code| code.starts_with("USER_STREAMS_"));
    let names = table.filter(|name| !name.contains(['<', '…']));
    let variables: Vec<_> = names.map(|name| (name.into(), "1".into())).collect();
    assert!(variables.len() > 10);
    let environment = Environment::new(variables).unwrap().without_core();
    assert!(environment.options_of("memory", ["redis"]).unwrap().is_empty());
}

#[test]
fn a_missing_or_malformed_variable_is_named() {
    for (name, value) in [
        ("OTHER", ""),
        ("BACKEND", ""),
        ("USE_UTC", "utc"),
        ("MAX_CONTENT_LEN", "-1"),
        ("ITEM_MARKS", "2"),
        ("AUDIENCES", "all"),
        ("DISMISSALS", ""),
        ("RETRACTIONS", "-"),
        ("MAX_LEN", "-1"),
        ("MAX_AGE", "a day"),
        ("HIDE_FUTURE", ""),
        ("LIVE", "perhaps"),
        ("POLL_INTERVAL", "-1"),
        ("LATENESS", "long"),
    ] {
        let error = Settings::from_vars([(format!("USER_STREAMS_{name}"), value)]).unwrap_err();
        let named = if name == "OTHER" { "BACKEND" } else { name };
        assert!(error.to_string().starts_with(&format!("USER_STREAMS_{named}: ")), "{error}");
    }
}

#[test]
fn an_unknown_key_of_a_file_is_refused_by_name() {
    let error =
        serde_json::from_str::<Settings>(r#"{"backend": "memory://", "utc": true}"#).unwrap_err();
    assert!(error.to_string().contains("unknown option `utc`"), "{error}");
}

#[test]
fn no_error_of_a_file_shows_a_value_or_a_long_name() {
    let long = format!(r#"{{"{}": 1}}"#, "x".repeat(5_000));
    for json in [r#""s3cr3t""#, r#"{"backend": "memory://", "use_utc": "s3cr3t"}"#, &long] {
        let message = serde_json::from_str::<Settings>(json).unwrap_err().to_string();
        assert!(!message.contains("s3cr3t") && message.len() < 300, "{message}");
    }
}

#[test]
fn debug_shows_no_secret() {
    for (url, expected) in [
        ("redis://me:s3cr3t@host/0?password=s3cr3t", "\"redis://…@host/0?…\""),
        (
            "single-table+postgres://me:s3cr3t@[::1]:5432/db",
            "\"single-table+postgres://…@[::1]:5432/db\"",
        ),
        ("single-table+sqlite://dir/feeds.db?mode=rwc", "\"single-table+sqlite://dir/feeds.db?…\""),
        ("single-table+sqlite::memory:", "\"single-table+sqlite:…\""),
        ("memory://", "\"memory://\""),
        ("redis://me:a?s3cr3t@host/0", "\"redis:…\""),
        ("redis://me:a#s3cr3t@host/0", "\"redis:…\""),
        ("redis://me:1/s3cr3t@host/0", "\"redis:…\""),
        ("redis://me:a@s3cr3t@host/0", "\"redis:…\""),
        ("redis://me:s3cr3t/a", "\"redis:…\""),
        ("redis:me:s3cr3t@host/0", "\"redis:…\""),
        ("me.s3cr3t@host", "\"…\""),
    ] {
        let settings = Settings::new(url).with_option("key", "s3cr3t");
        let args = crate::backend::ConnectArgs::new(url, Options::new());
        for shown in [format!("{settings:?}"), format!("{args:?}")] {
            assert!(!shown.contains("s3cr3t") && shown.contains(expected), "{url}: {shown}");
        }
    }
}

#[test]
fn a_malformed_url_is_refused() {
    for url in ["", "feeds.db", "://x", "1a://", "a b://", ":memory:"] {
        assert_eq!(
            Settings::new(url).scheme().unwrap_err().kind(),
            ErrorKind::InvalidSettings,
            "{url}"
        );
    }
    let original = "user_streams.backends.user_streams_redis_backend.RedisBackend";
    let error = Settings::new(original).scheme().unwrap_err();
    assert!(error.message().contains("how django-user-streams names a backend"), "{error}");
    assert_eq!(
        Settings::new("single-table+sqlite::memory:").scheme().unwrap(),
        "single-table+sqlite"
    );
}

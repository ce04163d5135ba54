//! Settings from JSON and from the environment.

use std::ffi::OsString;

use user_streams_core::{Error, ErrorKind, Settings};

use super::{
    connect::{self, connect},
    json::{JSON_WORDS, SQL_WORDS, has_secret_name},
};
use crate::{
    outcome::{Outcome, SECRET},
    target::Target,
};

pub(super) fn targets() -> Vec<Target> {
    vec![json(), environment()]
}

fn json() -> Target {
    let seeds = [
        r#"{"backend": "memory://", "use_utc": true, "max_content_len": 10, "options": {}}"#,
        r#"{"backend": "redis://ann:s3cr3t@h/1", "options": {"user_id": "uuid"}}"#,
        r#"{"backend": "single-table+sqlite://feeds.db?mode=rwc", "options": {"table": "t"}}"#,
        r#"{"backend": "many-to-many+postgres://ann:s3cr3t@h:7/db?sslmode=disable"}"#,
        r#"{"backend": "single-table+mysql://ann:s3cr3t@h/db", "options": {"users": "s3cr3t"}}"#,
        r#"{"backend": 7, "use_utc": "s3cr3t", "max_content_len": "s3cr3t", "utc": true}"#,
    ];
    let schemes = connect::schemes();
    let own = ["backend", "use_utc", "max_content_len", "options", "://ann:s3cr3t@h/"];
    let words = [&schemes[..], &own, SQL_WORDS, JSON_WORDS].concat();
    Target::of_text("settings/json", &seeds, &words, |text| {
        let parsed = serde_json::from_str::<Settings>(text);
        match parsed {
            Ok(settings) => connect(&settings, || has_secret_name(text)),
            // What is no JSON at all is said by serde_json alone.
            Err(error) => {
                let error = Error::new(ErrorKind::InvalidSettings, error.to_string());
                Outcome::refused(&error, || has_secret_name(text))
            }
        }
    })
}

/// Lines `NAME=value`, which need not be UTF-8.
fn environment() -> Target {
    let seeds = [
        "USER_STREAMS_BACKEND=memory://\nUSER_STREAMS_USE_UTC=true\nPATH=/bin",
        "USER_STREAMS_BACKEND=redis://ann:s3cr3t@h\nUSER_STREAMS_REDIS_KEY_PREFIX=p\n\
         USER_STREAMS_REDIS_CLIENT_ARGUMENTS={\"db\": 2}\nUSER_STREAMS_REDIS_MAX_CONNECTIONS=2",
        "USER_STREAMS_BACKEND=single-table+sqlite::memory:\nUSER_STREAMS_SINGLE_TABLE_TABLE=t\n\
         USER_STREAMS_SINGLE_TABLE_USER_ID=uuid\nUSER_STREAMS_MAX_CONTENT_LEN=7",
        "USER_STREAMS_BACKEND=many-to-many+mysql://ann:s3cr3t@h/db\n\
         USER_STREAMS_MANY_TO_MANY_SYNCHRONOUS=full\nUSER_STREAMS_MANY_TO_MANY_USERS=u.id",
        "USER_STREAMS_BACKEND=memory://\nUSER_STREAMS_MEMORY_USER_ID=text\n\
         USER_STREAMS_UNKNOWN=s3cr3t\nUSER_STREAMS_REDIS_CONNECT_TIMEOUT=0.5",
    ];
    let own = [
        "USER_STREAMS_",
        "BACKEND=",
        "USE_UTC=",
        "MAX_CONTENT_LEN=",
        "MEMORY_",
        "REDIS_",
        "SINGLE_TABLE_",
        "MANY_TO_MANY_",
        "KEY_PREFIX",
        "CLIENT_ARGUMENTS",
        "MAX_RETRY_DELAY",
        "SHARED_CONTENT_MIN_LEN",
        "\n",
        "=",
        "yes",
        "off",
        "\nUSER_STREAMS_BACKEND=",
    ];
    let upper: Vec<_> = SQL_WORDS.iter().map(|word| word.to_ascii_uppercase()).collect();
    let upper: Vec<_> = upper.iter().map(String::as_str).collect();
    let words = [&own[..], &upper, &connect::schemes(), JSON_WORDS].concat();
    Target::of_bytes("settings/environment", seeds, &words, |bytes| {
        let lines = bytes.split(|byte| *byte == b'\n');
        let variables: Vec<_> = lines
            .filter_map(|line| {
                let at = line.iter().position(|byte| *byte == b'=')?;
                Some((os_string(&line[..at]), os_string(&line[at + 1..])))
            })
            .collect();
        // An option's name is the variable's in lower case.
        let is_secret =
            |name: &OsString| name.to_string_lossy().to_ascii_lowercase().contains(SECRET);
        // The name of a variable is shown, and so are those in the JSON of its value.
        let may_show = || {
            variables
                .iter()
                .any(|(name, value)| is_secret(name) || has_secret_name(&value.to_string_lossy()))
        };
        match Settings::from_vars(variables.iter().cloned()) {
            Ok(settings) => connect(&settings, may_show),
            Err(error) => Outcome::refused(&error, may_show),
        }
    })
}

#[cfg(unix)]
fn os_string(bytes: &[u8]) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec())
}

#[cfg(not(unix))]
fn os_string(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}

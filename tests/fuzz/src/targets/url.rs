//! Each URL scheme: what follows it is the input.

use serde_json::json;
use user_streams_core::Settings;

use super::connect::{self, connect};
use crate::{outcome::Outcome, target::Target};

/// A certificate, for URLs that name a file of one.
const CA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/ca.pem");

const SERVER: &[&str] = &[
    "//ann:s3cr3t@h:7/db",
    "//ann:s3cr3t@[::1]:7/db",
    "//ann:s3cr3t@127.0.0.1/",
    "//ann:s3c/s3cr3t@h/db",
    "//:s3cr3t@h/2",
    "//ann:%73%33@h/a%2Fb",
    "ann:s3cr3t@h",
];
const POSTGRES: &[&str] = &[
    "//ann:s3cr3t@/db?host=/run/postgresql&port=7&dbname=d&user=u&password=s3cr3t",
    "//ann:s3cr3t@h/db?sslmode=verify-full&application_name=a&statement-cache-capacity=7",
    "//ann:s3cr3t@h/db?options=-c%20search_path=app%20--work_mem=4",
];
const POSTGRES_WORDS: &[&str] = &[
    "sslmode=",
    "verify-full",
    "verify-ca",
    "require",
    "disable",
    "sslrootcert=",
    "sslcert=",
    "sslkey=",
    "application_name=",
    "options=-c ",
    "host=",
    "port=",
    "user=",
    "password=",
    "dbname=",
    "statement-cache-capacity=",
    "currentSchema=",
    "options[search_path]",
    "channel_binding",
    "connect_timeout",
    CA,
];
const MYSQL: &[&str] = &[
    "//ann:s3cr3t@h/db?ssl-mode=VERIFY_IDENTITY&charset=utf8mb4&collation=utf8mb4_bin",
    "//ann:s3cr3t@/db?socket=/run/mysqld.sock&timezone=%2B02:00&statement-cache-capacity=0",
];
const MYSQL_WORDS: &[&str] = &[
    "ssl-mode=",
    "sslmode=",
    "VERIFY_IDENTITY",
    "VERIFY_CA",
    "REQUIRED",
    "DISABLED",
    "ssl-ca=",
    "ssl-cert=",
    "ssl-key=",
    "socket=",
    "charset=",
    "collation=utf8mb4_",
    "timezone=",
    "time-zone=",
    "statement-cache-capacity=",
    "useSSL",
    "serverTimezone",
    "password=",
    CA,
];
const SQLITE: &[&str] = &[
    "//feeds.db?mode=rwc",
    "///var/lib/feeds.db",
    ":memory:",
    "//?mode=memory&cache=shared",
    "//s3cr3t%23.db?mode=ro&immutable=true&vfs=unix",
];
const SQLITE_WORDS: &[&str] = &[
    "mode=",
    "rwc",
    "ro",
    "rw",
    "memory",
    "cache=",
    "shared",
    "private",
    "immutable=",
    "vfs=",
    ":memory:",
    "file:",
    "busy_timeout",
    "_synchronous",
    "%23",
];
const REDIS: &[&str] = &[
    "//h?node=i:7&node=[::1]:8",
    "//ann:s3cr3t@h?node=i:7&sentinelServiceName=m",
    "///run/redis.sock?db=1",
];
const REDIS_WORDS: &[&str] =
    &["node=", "i:7", "sentinelServiceName=", "db=", "/run/redis.sock", "timeout="];
const URL_WORDS: &[&str] = &[
    "://",
    ":",
    "@",
    "/",
    "?",
    "&",
    "=",
    "#",
    "%",
    "[",
    "]",
    "[::1]",
    "h",
    "7",
    "\\",
    ",",
    "ann",
    "ann:s3cr3t@",
    "s3cr3t",
    "%40",
    "127.0.0.1",
    "xn--",
    "０",
    "。",
];

pub(super) fn targets() -> Vec<Target> {
    let mut targets: Vec<_> = connect::schemes().into_iter().map(target).collect();
    targets.push(unknown());
    targets
}

fn target(scheme: &'static str) -> Target {
    let (own, words) = match scheme.rsplit('+').next() {
        Some("postgres" | "postgresql") => (POSTGRES, POSTGRES_WORDS),
        Some("mysql" | "mariadb") => (MYSQL, MYSQL_WORDS),
        Some("sqlite") => (SQLITE, SQLITE_WORDS),
        _ => (REDIS, REDIS_WORDS),
    };
    let seeds = [SERVER, own, &["//"]].concat();
    let words = [URL_WORDS, words].concat();
    Target::of_text(format!("url/{scheme}"), &seeds, &words, move |rest| {
        let settings = Settings::new(format!("{scheme}:{rest}"));
        // The certificates of the system would be read each time.
        let is_redis_with_tls = scheme.starts_with("rediss");
        let arguments = is_redis_with_tls.then(|| json!({ "tls_ca_file": CA }));
        let settings = match arguments {
            Some(arguments) => settings.with_option("client_arguments", arguments),
            None => settings,
        };
        connect(&settings, || false)
    })
}

/// Schemes that are not registered, or none at all.
fn unknown() -> Target {
    let seeds = [
        "postgres://ann:s3cr3t@h/db",
        "reddis://ann:s3cr3t@h",
        "single-table://ann:s3cr3t@h/db",
        "single-tabel+postgres://ann:s3cr3t@h/db",
        "redis+unix:///run/redis.sock",
        "user_streams.backends.redis.RedisBackend",
        "ann.s3cr3t@h",
        "feeds.db",
    ];
    let schemes = connect::schemes();
    let words = [URL_WORDS, &schemes, &["+", "-", "."]].concat();
    Target::of_text("url/unknown", &seeds, &words, move |url| {
        // Known ones have targets of their own.
        let scheme = url.split_once(':').map(|(scheme, _)| scheme);
        if scheme.is_some_and(|scheme| schemes.contains(&scheme)) {
            return Outcome::unreadable("known");
        }
        connect(&Settings::new(url), || false)
    })
}

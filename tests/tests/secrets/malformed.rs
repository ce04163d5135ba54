//! Malformed URLs.

use user_streams_core::{Settings, Streams};

use crate::shown;

/// Those of every backend, and some unknown ones.
pub(crate) const SCHEMES: &[&str] = &[
    "single-table+postgres",
    "many-to-many+postgresql",
    "single-table+mysql",
    "many-to-many+mariadb",
    "single-table+sqlite",
    "many-to-many+sqlite",
    "redis",
    "redis-cluster",
    "redis-sentinel",
    "redis+unix",
    "rediss",
    "memory",
    "postgres",
    "single-table",
    "single-table+oracle",
    "cassandra",
];

/// What may follow a scheme; invalid for every backend.
const MALFORMED: &[&str] = &[
    "://ann:s3cr3t/x@h/db",
    "://ann:12/s3cr3t@h/db",
    "://ann:otS33+tb/e4=@h/db",
    "://ann:otS33%2Btb/e4=@h/db",
    "://ann:a?s3cr3t@h/db",
    "://ann:12?s3cr3t@h/db",
    "://ann:a#s3cr3t@h/db",
    "://ann:12#s3cr3t@h/db",
    "://ann:s3cr3t@h:x/db",
    "://ann:s3cr3t@h:70000/db",
    "://ann:s3cr3t%@h/db",
    "://ann:s3cr3t%ff@h/db",
    "://ann:s3cr3t@[::1/db",
    "://ann:s3cr3t@h i/db",
    "://ann:s3cr3t@/",
    "://ann:s3cr3t@",
    "://ann:s3cr3t",
    "://:s3cr3t@:1/db",
    ":ann:s3cr3t@h/db",
    ":/ann:s3cr3t@h/db",
    ":s3cr3t",
    "://ann:s3cr3t@h/db?password=s3cr3t&unknown=1",
    "://ann@h/db?s3cr3t",
    "://ann@h/db?x=1&s3cr3t=2",
    "://ann@h/db?password=a&s3cr3t=2",
    "://ann:s3cr3t@h/db?sslmod=s3cr3t",
    "://ann:s3cr3t@h/db?sslmode=s3cr3t",
    "://ann:s3cr3t@h/db?ssl-mode=s3cr3t",
    "://ann:s3cr3t@h/db?options=s3cr3t",
    "://ann:s3cr3t@h/db?port=s3cr3t",
    "://ann:s3cr3t@h/db?mode=s3cr3t",
    "://ann:s3cr3t@h/db?sslrootcert=s3cr3t&sslmode=verify-full",
    "://ann:s3cr3t@h/db?ssl-ca=s3cr3t&ssl-mode=VERIFY_CA",
    "://ann:s3cr3t@h/db?node=s3cr3t",
    "://ann:s3cr3t@h/db?sentinelServiceName=s3cr3t&node=s3cr3t",
    "://ann:s3cr3t@h/db#s3cr3t",
];

/// With short timeouts.
pub(crate) fn settings(scheme: &str, rest: &str) -> Settings {
    let settings = Settings::new(format!("{scheme}{rest}"));
    match scheme {
        _ if scheme.starts_with("redis") => {
            settings.with_option("operation_timeout", 0.3).with_option("connect_timeout", 0.3)
        }
        _ if scheme.contains('+') => settings.with_option("connect_timeout", 0.3),
        _ => settings,
    }
}

async fn refused(scheme: &str, rest: &str) {
    let what = format!("{scheme}{rest}");
    match Streams::connect(settings(scheme, rest)).await {
        Ok(_) => panic!("{what}: must be refused"),
        Err(error) => shown::check_error(&what, &error),
    }
}

pub(crate) async fn no_error_of_a_malformed_url_shows_it() {
    for scheme in SCHEMES {
        for rest in MALFORMED {
            refused(scheme, rest).await;
        }
    }
    for url in ["ann:s3cr3t@h/db", "//ann:s3cr3t@h/db", "ann@s3cr3t", "s3cr3t", "1:s3cr3t", ""] {
        refused(url, "").await;
    }
}

pub(crate) async fn debug_of_settings_shows_no_password() {
    let right = [
        "://ann:s3cr3t@h/db",
        "://ann:s3cr3t@[::1]:7/db?password=s3cr3t",
        "://:s3cr3t@h",
        "://s3cr3t@h",
    ];
    for scheme in SCHEMES {
        for rest in MALFORMED.iter().chain(&right) {
            let settings = settings(scheme, rest).with_option("password", "s3cr3t");
            shown::check_debug(&settings);
        }
    }
    let variables = [("USER_STREAMS_BACKEND", "memory://"), ("USER_STREAMS_REDIS_X", "s3cr3t")];
    let settings = Settings::from_vars(variables).unwrap();
    shown::check_debug(&settings);
}

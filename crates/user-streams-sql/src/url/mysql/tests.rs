use user_streams_core::ErrorKind;

use super::*;

fn options(url: &str) -> MySqlConnectOptions {
    mysql(url).unwrap_or_else(|error| panic!("{url}: {error}"))
}

fn message(url: &str) -> String {
    let error = mysql(url).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSettings, "{url}");
    format!("{error:?}")
}

#[test]
fn every_part_reaches_the_driver() {
    let read = options("mysql://ann:p%40ss@db.example.org:7/app");
    assert_eq!((read.get_host(), read.get_port()), ("db.example.org", 7));
    assert_eq!((read.get_username(), read.get_database()), ("ann", Some("app")));
    let shown = format!("{read:?}");
    assert!(shown.contains("p@ss") && shown.contains("ssl_mode: Preferred"), "{shown}");
    assert_eq!(options("mariadb://ann@h/app").get_port(), 3306);
    assert_eq!(options("mysql://u@[::1]:3306/db").get_host(), "::1");
    for url in ["mysql://u@/db?socket=/run/my.sock", "mysql://u@h/db?socket=/run/my.sock"] {
        let socket = options(url).get_socket().cloned();
        assert_eq!(socket.as_deref(), Some(std::path::Path::new("/run/my.sock")), "{url}");
    }
}

#[test]
fn parameters_reach_the_driver() {
    let query = "charset=UTF8MB4&collation=utf8mb4_bin&time-zone=%2B02:00&\
        statement-cache-capacity=7&ssl-mode=disabled";
    let read = options(&format!("mysql://u@h/db?{query}"));
    assert_eq!((read.get_charset(), read.get_collation()), ("utf8mb4", Some("utf8mb4_bin")));
    let shown = format!("{read:?}");
    for expected in
        ["timezone: Some(\"+02:00\")", "statement_cache_capacity: 7", "ssl_mode: Disabled"]
    {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
}

#[test]
fn what_is_wrong_is_named() {
    for (query, expected) in [
        ("sslmod=verify_ca", "did you mean `ssl-mode`?"),
        ("sslMode=VERIFY_CA", "did you mean `ssl-mode`?"),
        (
            "ssl-mode=verify-full",
            "ssl-mode: expected one of `DISABLED`, `PREFERRED`, `REQUIRED`, `VERIFY_CA`, \
             `VERIFY_IDENTITY`",
        ),
        ("useSSL=true", "`ssl-mode=VERIFY_IDENTITY`"),
        ("charset=latin1", "charset: expected one of `utf8mb4`"),
        ("collation=latin1_bin", "collation: expected"),
        ("collation=utf8mb4_bin;DROP", "collation: expected"),
        ("timezone=+02:00", "timezone: expected"),
        ("timezone=a',b", "timezone: expected"),
        ("password=x", "`mysql://user:password@host:port/database`"),
        ("ssl-ca=ca.pem&ssl-mode=preferred", "`ssl-ca` has no effect without TLS"),
    ] {
        let message = message(&format!("mysql://ann:s3cr3t@h/db?{query}"));
        assert!(message.contains(expected), "{query}: {message}");
        assert!(!message.contains("s3cr3t"), "{query}: {message}");
    }
    assert!(message("mysql://h/db").contains("names no user"));
    assert!(message("mysql://u@/db").contains("names no host"));
    assert!(message("mysql://u@%2Frun%2Fmy.sock/db").contains("?socket=/run/mysqld/mysqld.sock"));
    assert!(message("mysql://u@h").contains("names no database"));
    assert!(message("mysql:ann:s3cr3t@h/db").contains("`//` after the scheme"));
}

#[cfg(feature = "rustls")]
#[test]
fn the_modes_are_those_of_the_driver() {
    for (mode, expected) in [
        ("PREFERRED", "ssl_mode: Preferred"),
        ("required", "ssl_mode: Required"),
        ("VERIFY_IDENTITY", "ssl_mode: VerifyIdentity"),
    ] {
        let shown = format!("{:?}", options(&format!("mysql://u@h/db?ssl-mode={mode}")));
        assert!(shown.contains(expected), "{mode}: {shown}");
    }
    assert!(message("mysql://u@h/db?ssl-mode=VERIFY_CA").contains("needs `ssl-ca`"));
}

#[cfg(not(feature = "rustls"))]
#[test]
fn tls_is_refused_without_its_feature() {
    for query in
        ["ssl-mode=REQUIRED", "ssl-mode=VERIFY_CA", "ssl-mode=VERIFY_IDENTITY", "ssl-ca=ca.pem"]
    {
        let message = message(&format!("mysql://u@h/db?{query}"));
        assert!(message.contains("feature `rustls`"), "{query}: {message}");
    }
    options("mysql://u@h/db?ssl-mode=PREFERRED");
}

use user_streams_core::ErrorKind;

use super::*;

fn options(url: &str) -> PgConnectOptions {
    postgres(url).unwrap_or_else(|error| panic!("{url}: {error}"))
}

fn message(url: &str) -> String {
    let error = postgres(url).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSettings, "{url}");
    format!("{error:?}")
}

#[test]
fn every_part_reaches_the_driver() {
    let read = options("postgres://ann:p%40ss@db.example.org:7/app");
    assert_eq!((read.get_host(), read.get_port()), ("db.example.org", 7));
    assert_eq!((read.get_username(), read.get_database()), ("ann", Some("app")));
    let shown = format!("{read:?}");
    for expected in
        ["p@ss", "ssl_mode: Prefer", "extra_float_digits: None", "Some(\"user-streams\")"]
    {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    let read = options("postgresql://ann@h");
    assert_eq!((read.get_port(), read.get_database()), (5432, Some("ann")));
}

#[test]
fn an_address_of_ipv6_is_without_its_brackets() {
    assert_eq!(options("postgres://u@[::1]:5432/db").get_host(), "::1");
    assert_eq!(options("postgres://u@/db?host=[::1]").get_host(), "::1");
    assert_eq!(options("postgres://u@/db?host=::1").get_host(), "::1");
}

#[test]
fn a_unix_socket_is_a_host_that_begins_with_a_slash() {
    for url in [
        "postgres://u@/db?host=/run/postgresql",
        "postgres://u@%2Frun%2Fpostgresql/db",
        "postgres://u@localhost/db?host=/run/postgresql",
        "postgres:///db?host=/run/postgresql&user=u",
    ] {
        let socket = options(url).get_socket().cloned();
        assert_eq!(socket.as_deref(), Some(std::path::Path::new("/run/postgresql")), "{url}");
    }
}

#[test]
fn parameters_stand_for_every_part() {
    let read =
        options("postgres:///?host=h&port=7&user=u&password=p&dbname=db&application_name=feed");
    assert_eq!((read.get_host(), read.get_port(), read.get_username()), ("h", 7, "u"));
    assert_eq!((read.get_database(), read.get_application_name()), (Some("db"), Some("feed")));
    assert!(format!("{read:?}").contains("password: Some(\"p\")"));
}

#[test]
fn settings_of_the_session_are_those_of_libpq() {
    for (query, expected) in [
        ("-c%20search_path%3Dapp", "-c search_path=app"),
        ("-c+search_path=app,public", "-c search_path=app,public"),
        ("-csearch_path=app+--work-mem=8MB", "-c search_path=app -c work_mem=8MB"),
        (r"-c+search_path=a\+b", r"-c search_path=a\ b"),
        ("", ""),
    ] {
        let read = options(&format!("postgres://u@h/db?options={query}"));
        assert_eq!(read.get_options().unwrap_or_default(), expected, "{query}");
    }
    for query in ["search_path=app", "-c", "-c+search_path", "-d+5", "-c+a b=1", r"-c+a=b\"] {
        let message = message(&format!("postgres://u@h/db?options={query}"));
        assert!(message.contains("options: expected `-c name=value`"), "{query}: {message}");
    }
}

#[test]
fn what_is_wrong_is_named() {
    for (query, expected) in [
        ("sslmod=verify-full", "unknown parameter `sslmod`: did you mean `sslmode`?"),
        ("sslMode=verify-full", "did you mean `sslmode`?"),
        ("currentSchema=app", "`options=-c%20search_path=…`"),
        ("options[search_path]=app", "`options=-c%20search_path=…`"),
        ("options[s3cr3t]=app", "parameter number 1 is unknown"),
        (
            "sslmode=verify_full",
            "sslmode: expected one of `disable`, `prefer`, `require`, `verify-ca`, `verify-full`",
        ),
        ("sslmode=allow", "sslmode: expected one of"),
        ("sslmode=", "sslmode: expected one of"),
        ("ssl=true", "write `sslmode=verify-full`"),
        ("channel_binding=require", "libpq has it"),
        ("connect_timeout=10", "option of the backend, `connect_timeout`"),
        ("hostaddr=127.0.0.1", "the address as the host"),
        ("port=0", "a port from 1"),
        ("port=x", "a port from 1"),
        ("host=a,b", "one host"),
        ("statement-cache-capacity=many", "a number from 0"),
        ("sslmode=disable&ssl-mode=prefer", "`sslmode` occurs twice"),
        (
            "sslmode=prefer&sslrootcert=ca.pem",
            "`sslrootcert` has no effect without TLS: add `sslmode=verify-full`",
        ),
        ("sslcert=c.pem&sslkey=k.pem", "`sslcert` has no effect without TLS"),
    ] {
        let message = message(&format!("postgres://ann:s3cr3t@h/db?{query}"));
        assert!(message.contains(expected), "{query}: {message}");
        assert!(!message.contains("s3cr3t"), "{query}: {message}");
    }
    assert!(message("postgres://h/db").contains("names no user"));
    assert!(message("postgres://u@/db").contains("names no host"));
    assert!(message("postgres:///db?user=u").contains("host=/run/postgresql"));
}

#[cfg(feature = "rustls")]
mod with_tls {
    use super::*;

    /// A directory with a file of each kind.
    fn files() -> std::path::PathBuf {
        let directory =
            std::env::temp_dir().join(format!("user-streams-url-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        for (name, text) in [
            ("ca.pem", "-----BEGIN CERTIFICATE-----\n"),
            ("key.pem", "-----BEGIN PRIVATE KEY-----\n"),
            ("empty.pem", ""),
        ] {
            std::fs::write(directory.join(name), text).unwrap();
        }
        directory
    }

    #[test]
    fn what_is_verified_follows_from_the_mode_and_the_ca() {
        let directory = files();
        let ca = format!("sslrootcert={}/ca.pem", directory.display());
        for (query, expected) in [
            (String::new(), "ssl_mode: Prefer, ssl_root_cert: Some(Inline([]))"),
            ("sslmode=disable".to_owned(), "ssl_mode: Disable,"),
            ("sslmode=require".to_owned(), "ssl_mode: Require,"),
            (
                "sslmode=verify-full".to_owned(),
                "ssl_mode: VerifyFull, ssl_root_cert: Some(Inline([]))",
            ),
            (ca.clone(), "ssl_mode: VerifyFull, ssl_root_cert: Some(File("),
            (format!("sslmode=require&{ca}"), "ssl_mode: VerifyCa, ssl_root_cert: Some(File("),
            (format!("sslmode=verify-ca&{ca}"), "ssl_mode: VerifyCa,"),
        ] {
            let shown = format!("{:?}", options(&format!("postgres://u@h/db?{query}")));
            assert!(shown.contains(expected), "{query}: {shown}");
        }
    }

    #[test]
    fn what_cannot_be_verified_is_refused() {
        let directory = files();
        let file = |name: &str| format!("{}/{name}.pem", directory.display());
        for (query, expected) in [
            ("sslmode=verify-ca".to_owned(), "`sslmode=verify-ca` needs `sslrootcert`"),
            (
                format!("sslrootcert={}", file("missing")),
                "sslrootcert: the file cannot be read: No such file",
            ),
            (
                format!("sslrootcert={}", file("empty")),
                "sslrootcert: the file has no `-----BEGIN … CERTIFICATE",
            ),
            (
                format!("sslmode=require&sslcert={}", file("ca")),
                "`sslcert` and `sslkey` are used together",
            ),
            (
                format!("sslmode=require&sslcert={0}&sslkey={0}", file("ca")),
                "sslkey: the file has no `-----BEGIN … PRIVATE KEY",
            ),
            ("sslmode=require&host=/run/postgresql".to_owned(), "a Unix socket has no TLS"),
        ] {
            let message = message(&format!("postgres://u@h/db?{query}"));
            assert!(message.contains(expected), "{query}: {message}");
        }
        let both = format!("sslmode=require&sslcert={}&sslkey={}", file("ca"), file("key"));
        options(&format!("postgres://u@h/db?{both}"));
    }
}

#[cfg(not(feature = "rustls"))]
#[test]
fn tls_is_refused_without_its_feature() {
    for query in
        ["sslmode=require", "sslmode=verify-ca", "sslmode=verify-full", "sslrootcert=ca.pem"]
    {
        let message = message(&format!("postgres://u@h/db?{query}"));
        assert!(message.contains("feature `rustls`"), "{query}: {message}");
    }
    options("postgres://u@h/db?sslmode=prefer");
}

/// In a process of its own, since the environment is the process's.
#[cfg(unix)]
mod environment {
    use std::{
        env,
        io::{self, Write},
        process::Command,
    };

    use super::*;

    const CHILD: &str = "USER_STREAMS_TEST_URL_CHILD";
    const URL: &str = "postgres://u@h/db?sslmode=prefer";

    /// What comes of a URL in a process with these variables alone.
    fn outcome(url: &str, variables: &[(&str, &str)]) -> String {
        let test = module_path!().split_once("::").unwrap().1;
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", &format!("{test}::prints_what_comes_of_a_url"), "--nocapture"])
            .env_clear()
            .env(CHILD, url)
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let output = String::from_utf8(output.stdout).unwrap();
        let (_, outcome) = output.split_once("outcome: ").unwrap_or_else(|| panic!("{output}"));
        outcome.lines().next().unwrap().to_owned()
    }

    #[test]
    fn prints_what_comes_of_a_url() {
        let Ok(url) = env::var(CHILD) else { return };
        let outcome = match postgres(&url) {
            Ok(options) => format!("{options:?}"),
            Err(error) => error.to_string(),
        };
        writeln!(io::stdout(), "outcome: {outcome}").unwrap();
    }

    #[test]
    fn nothing_of_the_environment_is_read() {
        let directory = env::temp_dir().join(format!("user-streams-pgpass-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let file = directory.join(".pgpass");
        std::fs::write(&file, "*:*:*:*:elsewhere\n").unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        let variables = [
            ("PGHOST", "elsewhere"),
            ("PGHOSTADDR", "9.9.9.9"),
            ("PGPORT", "9999"),
            ("PGUSER", "elsewhere"),
            ("PGPASSWORD", "elsewhere"),
            ("PGDATABASE", "elsewhere"),
            ("PGSSLMODE", "disable"),
            ("PGSSLROOTCERT", "elsewhere"),
            ("PGAPPNAME", "elsewhere"),
            ("PGPASSFILE", file.to_str().unwrap()),
            ("HOME", directory.to_str().unwrap()),
        ];
        for url in [URL, "postgres://u@h", "postgres://u@/?host=/run/postgresql"] {
            let (with, without) = (outcome(url, &variables), outcome(url, &[]));
            assert_eq!(with, without, "{url}");
            assert!(with.starts_with("PgConnectOptions {"), "{with}");
        }
        for url in ["postgres://h/db", "postgres://u@/db"] {
            assert!(outcome(url, &variables).contains("it names no "), "{url}");
        }
    }

    #[test]
    fn what_cannot_be_left_out_is_refused() {
        for variable in ["PGOPTIONS", "PGSSLCERT", "PGSSLKEY"] {
            let outcome = outcome(URL, &[(variable, "-c search_path=elsewhere")]);
            let expected = format!("the environment variable {variable} is set");
            assert!(outcome.contains(&expected) && !outcome.contains("elsewhere"), "{outcome}");
        }
        let plain = outcome("postgres://u@h/db?sslmode=disable", &[("PGSSLCERT", "elsewhere")]);
        assert!(plain.starts_with("PgConnectOptions {"), "without TLS it has no use: {plain}");
    }
}

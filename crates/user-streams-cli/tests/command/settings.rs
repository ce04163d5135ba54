//! Settings by flag, by the environment and by file, and what errors say.

use std::fs;

use crate::support::{Home, run};

#[test]
fn a_flag_comes_before_the_environment_and_that_before_the_file() {
    let home = Home::unmigrated(
        "memory://",
        &[
            ("USER_STREAMS_CONFIG", "settings.toml"),
            ("USER_STREAMS_BACKEND", "single-table+sqlite://of-env.db?mode=rwc"),
            ("USER_STREAMS_SINGLE_TABLE_TABLE", "of_env"),
        ],
    );
    let file = "backend = \"single-table+sqlite://of-file.db?mode=rwc\"\nmax_len = 1\n\
                feeds = [\"news\"]\n[options]\ntable = \"of_file\"\nuser_id = \"text\"\n";
    fs::write(home.path("settings.toml"), file).expect("a file");
    home.ok(&["migrate"]);
    assert!(fs::exists(home.path("of-env.db")).expect("a directory"));
    let add = ["add", "--user", "ann", "Hello"];
    home.ok(&add);
    home.ok(&add);
    // Of the file, and of a flag.
    assert_eq!(home.ok(&["count", "ann"]), "1\n");
    assert_eq!(home.ok(&["count", "ann", "--max-len", "9"]), "2\n");
    assert_eq!(home.ok(&["count", "ann", "--feed", "news"]), "0\n");
    let database = rusqlite::Connection::open(home.path("of-env.db")).expect("the file");
    let count: i64 =
        database.query_row("SELECT COUNT(*) FROM of_env", [], |row| row.get(0)).expect("a table");
    assert_eq!(count, 2);

    let flags = ["-b", "single-table+sqlite://of-flag.db?mode=rwc", "-o", "table=of_flag"];
    home.ok(&[&["migrate"], &flags[..]].concat());
    assert_eq!(home.ok(&[&["count", "ann"], &flags[..]].concat()), "0\n");
    assert!(fs::exists(home.path("of-flag.db")).expect("a directory"));
    assert!(!fs::exists(home.path("of-file.db")).expect("a directory"));
}

#[test]
fn a_file_may_be_json() {
    let home = Home::unmigrated("", &[]);
    let file = r#"{"backend": "single-table+sqlite://feeds.db?mode=rwc", "audiences": true}"#;
    fs::write(home.path("settings.json"), file).expect("a file");
    home.ok(&[
        "migrate",
        "--config",
        "settings.json",
        "-b",
        "single-table+sqlite://feeds.db?mode=rwc",
    ]);
    let mut command = home.command(&["add", "--everyone", "Hello", "--config", "settings.json"]);
    assert!(run(command.env_remove("USER_STREAMS_BACKEND")).ok().ends_with("1 delivered\n"));
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let home = Home::unmigrated("memory://", &[]);
    for (file, text, expected) in [
        ("a.toml", "backend = \"memory://\"\nuse_utc = 7\n", "a.toml: use_utc"),
        ("b.toml", "backend = \"memory://\"\nmaxlen = 7\n", "b.toml: "),
        ("c.toml", "max_len = 1\nbackend = secret", "c.toml, line 2: malformed TOML"),
        ("d.json", "{\"max_len\": 1,\n]", "d.json, line 2: malformed JSON"),
        ("e.json", "[]", "e.json: expected"),
    ] {
        fs::write(home.path(file), text).expect("a file");
        let ran = home.run(&["count", "1", "--config", file]);
        let error = ran.error(2);
        assert!(error.contains(expected) && !error.contains("secret"), "{error}");
    }
    let ran = home.run(&["count", "1", "--config", "absent.toml"]);
    assert!(ran.error(2).contains("absent.toml"), "{}", ran.stderr);
    for (arguments, expected) in [
        (&["-b", "nonsense://x"][..], "nonsense"),
        (&["-o", "nonsense=1"], "unknown option `nonsense`"),
        (&["-b", ""], "no backend is named"),
        (&["-b", "single-table+sqlite://absent/feeds.db"], "cannot be opened"),
    ] {
        let ran = home.run(&[&["count", "1"], arguments].concat());
        assert!(ran.stderr.to_lowercase().contains(&expected.to_lowercase()), "{}", ran.stderr);
        assert_ne!(ran.code, Some(0));
    }
}

#[test]
fn no_error_shows_a_password() {
    let home = Home::unmigrated("memory://", &[]);
    for backend in [
        "single-table+postgres://user:sesame@127.0.0.1:1/db",
        "redis://:sesame@127.0.0.1:1",
        "sesame",
        "single-table+mysql://user:ses@me@sesame:x/db",
    ] {
        for command in [&["ping"][..], &["backends"], &["copy", backend, "memory://"]] {
            let connect = ["-b", backend, "-o", "connect_timeout=0.2"];
            let ran = home.run(&[command, &connect].concat());
            assert!(ran.code != Some(0) || command == ["backends"], "{backend}: {}", ran.stdout);
            assert!(
                !ran.stderr.contains("sesame") && !ran.stdout.contains("sesame"),
                "{}",
                ran.stderr
            );
        }
    }
}

#[test]
fn a_server_that_cannot_be_reached_is_an_error_that_may_pass() {
    let home = Home::unmigrated("redis://127.0.0.1:1", &[]);
    let ran = home.run(&["ping", "-o", "connect_timeout=0.2"]);
    ran.error(75);
    let ran =
        home.run(&["add", "--user", "1", "--retry-for", "0", "-o", "connect_timeout=0.2", "Hello"]);
    ran.error(75);
}

#[test]
fn what_is_not_migrated_says_how() {
    let home = Home::unmigrated("single-table+sqlite://feeds.db?mode=rwc", &[]);
    let ran = home.run(&["count", "1"]);
    assert!(ran.error(1).contains("user-streams migrate"), "{}", ran.stderr);
}

#[test]
fn an_id_of_another_kind_says_what_to_do() {
    let home = Home::unmigrated("memory://", &[]);
    let ran = home.run(&["count", "ann"]);
    assert!(ran.error(2).contains("--option user_id=text"), "{}", ran.stderr);
    assert_eq!(home.ok(&["count", "ann", "-o", "user_id=text"]), "0\n");
}

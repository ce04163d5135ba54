//! `copy`.

use std::fs;

use crate::support::{AT, Home};

const TO: &str = "many-to-many+sqlite://other.db?mode=rwc";

fn home() -> Home {
    let home = Home::with(&[("USER_STREAMS_FEEDS", "news")]);
    let ids: String = (1..=600).map(|id| format!("{id}\n")).collect();
    home.run_with(&[&["add", "--users-from", "-"], AT, &["all", "Hello"]].concat(), &ids).ok();
    home.ok(&[&["add", "--user", "42", "--feed", "news"], AT, &["news", "news"]].concat());
    home.ok(&["mark-read", "42"]);
    home.ok(&["migrate", "--backend", TO]);
    home
}

#[test]
fn everything_is_copied_and_verified_and_again_there_is_nothing_to_do() {
    let home = home();
    let from = "single-table+sqlite://feeds.db";
    let copied = home.ok(&["copy", from, TO, "--verify"]);
    let expected = "600 users, 600 items, 600 added\nnews: 1 users, 1 items, 1 added\n\
                    600 users, 600 items compared\nnews: 1 users, 1 items compared\n";
    assert_eq!(copied, expected);
    let again = home.ok(&["copy", from, TO]);
    assert_eq!(again, "600 users, 600 items, 0 added\nnews: 1 users, 1 items, 0 added\n");
    assert_eq!(home.ok(&["unread", "42", "--backend", TO]), "0\n");
}

#[test]
fn a_difference_has_an_exit_code_of_its_own_and_names_the_users() {
    let home = home();
    let from = "single-table+sqlite://feeds.db";
    home.ok(&["copy", from, TO]);
    home.ok(&["add", "--backend", TO, "--user", "43", "--user", "7", "only there"]);
    let ran = home.run(&["copy", from, TO, "--verify-only"]);
    assert!(ran.stdout.starts_with("600 users, 600 items compared\n"));
    let error = ran.error(3);
    assert!(error.contains("2 users (") && error.contains("43"), "{error}");
}

#[test]
fn a_side_is_a_url_or_a_file_with_settings() {
    let home = home();
    let settings = "backend = \"many-to-many+sqlite://other.db\"\n[options]\ntable = \"moved\"\n";
    fs::write(home.path("new.toml"), settings).expect("a file");
    home.ok(&["migrate", "--config", "new.toml", "--backend", TO]);
    home.ok(&["copy", "single-table+sqlite://feeds.db", "new.toml", "--verify"]);
    let count = ["count", "42", "--backend", TO];
    assert_eq!(home.ok(&count), "0\n");
    assert_eq!(home.ok(&[&count[..], &["-o", "table=moved"]].concat()), "1\n");
}

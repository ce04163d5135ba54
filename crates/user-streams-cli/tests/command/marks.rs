//! `unread`, `mark-read`, `dismiss`, `retract`, `trim` and `repair`.

use crate::support::{Home, first_word};

#[test]
fn marks_move_forward_and_back_if_that_is_asked() {
    let home = Home::new();
    for n in 0..3 {
        home.add(&n.to_string(), "item");
    }
    let list = home.ok(&["list", "42"]);
    let cursors: Vec<_> = list.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(home.ok(&["unread", "42"]), "3\n");
    assert_eq!(home.ok(&["unread", "42", "--limit", "2"]), "2\n");
    assert_eq!(home.ok(&["mark-read", "42", "--up-to", cursors[1]]), "moved\n");
    assert_eq!(home.ok(&["unread", "42"]), "1\n");
    assert!(home.ok(&["mark-read", "42", "--up-to", cursors[2]]).starts_with("not moved"));
    assert_eq!(home.ok(&["mark-read", "42", "--from", cursors[1], "--back"]), "moved\n");
    assert_eq!(home.ok(&["unread", "42"]), "2\n");
    assert_eq!(home.ok(&["mark-read", "42"]), "moved\n");
    assert_eq!(home.ok(&["unread", "42"]), "0\n");
    assert_eq!(home.ok(&["unread", "42", "--seen"]), "3\n");
    assert_eq!(home.ok(&["mark-read", "42", "--seen"]), "moved\n");
    assert_eq!(home.ok(&["unread", "42", "--seen"]), "0\n");
}

#[test]
fn an_item_is_hidden_from_one_and_from_all() {
    let home =
        Home::with(&[("USER_STREAMS_DISMISSALS", "true"), ("USER_STREAMS_RETRACTIONS", "true")]);
    let item = home.add("a", "Hello");
    home.ok(&["add", "--user", "43", "--item", &item, "Hello"]);
    let counts = || [home.ok(&["count", "42"]), home.ok(&["count", "43"])];
    assert_eq!(home.ok(&["dismiss", "42", &item]), "hidden\n");
    assert_eq!(home.ok(&["dismiss", "42", &item]), "hidden already\n");
    assert_eq!(counts(), ["0\n", "1\n"]);
    assert_eq!(home.ok(&["dismiss", "42", &item, "--undo"]), "shown again\n");
    assert_eq!(home.ok(&["retract", &item]), "hidden\n");
    assert_eq!(counts(), ["0\n", "0\n"]);
    assert_eq!(home.ok(&["retract", &item, "--undo"]), "shown again\n");
    assert_eq!(home.ok(&["retract", &item, "--undo"]), "was not hidden\n");
    assert_eq!(counts(), ["1\n", "1\n"]);

    let ran = home.run(&["retract", &item, "--retractions=false"]);
    assert!(ran.error(2).contains("`retractions`"), "{}", ran.stderr);
}

#[test]
fn trim_deletes_what_the_settings_hide_in_every_feed() {
    let home = Home::with(&[("USER_STREAMS_FEEDS", "news")]);
    for n in 0..5 {
        home.add(&n.to_string(), "item");
    }
    let error = home.run(&["trim"]);
    assert!(error.error(2).contains("max_len"), "{}", error.stderr);
    let trimmed = home.ok(&["trim", "--max-len", "2"]);
    let expected = "3 items of 1 users deleted, 0 contents\n\
                    news: 0 items of 0 users deleted, 0 contents\n";
    assert_eq!(trimmed, expected);
    assert_eq!(home.sql("SELECT COUNT(*) FROM user_streams_single_table"), 2);
    let one = home.ok(&["trim", "--max-len", "1", "--feed", "news"]);
    assert!(one.starts_with("news: 0 items"), "{one}");
}

#[test]
fn repair_deletes_what_cannot_be_read_and_nothing_else() {
    let home = Home::new();
    home.add("a", "sound");
    let database = rusqlite::Connection::open(home.path("feeds.db")).expect("the file");
    let damage = "INSERT INTO user_streams_single_table (user_id, created_at_us, id, content) \
                  VALUES (42, 5, -1, 'damaged')";
    database.execute(damage, []).expect("a damaged row");
    let error = home.run(&["list", "42"]);
    assert!(error.error(1).contains("`user-streams repair`"), "{}", error.stderr);
    let expected = "42  1 deleted\n1 deleted from 1 streams\n";
    assert_eq!(home.ok(&["repair", "--all"]), expected);
    assert_eq!(home.ok(&["repair", "--user", "42"]), "0 deleted from 1 streams\n");
    assert_eq!(first_word(&home.ok(&["count", "42"])), "1");
}

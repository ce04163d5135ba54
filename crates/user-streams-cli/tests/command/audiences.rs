//! `--everyone` and `--audience`.

use crate::support::{AT, Home, first_word};

#[test]
fn everyone_and_an_audience_are_served_by_one_row_each() {
    let home = Home::with(&[("USER_STREAMS_AUDIENCES", "true")]);
    let everyone = [&["add", "--everyone"], AT, &["a", "to everyone"]].concat();
    let item = home.ok(&everyone);
    assert!(item.ends_with("  1 delivered\n"));
    home.ok(&[&["add", "--audience", "team:7"], AT, &["b", "to a team"]].concat());
    assert_eq!(home.sql("SELECT COUNT(*) FROM user_streams_single_table__us_audience"), 2);
    assert_eq!(home.ok(&["count", "42"]), "1\n");
    assert_eq!(home.ok(&["count", "42", "--audience", "team:7"]), "2\n");
    assert_eq!(home.ok(&["unread", "42", "--audience", "team:7"]), "2\n");
    assert_eq!(home.ok(&["remove", "--everyone", &first_word(&item)]), "1 removed\n");
    assert_eq!(home.ok(&["count", "42"]), "0\n");
}

#[test]
fn without_the_setting_an_audience_is_an_error_that_names_it() {
    let home = Home::new();
    let ran = home.run(&["add", "--everyone", "Hello"]);
    assert!(ran.error(2).contains("`audiences`"), "{}", ran.stderr);
}

#[test]
fn recipients_of_two_kinds_are_refused() {
    let home = Home::new();
    let ran = home.run(&["add", "--everyone", "--user", "42", "Hello"]);
    assert_eq!(ran.code, Some(2));
    assert_eq!(home.run(&["add", "Hello"]).code, Some(2));
}

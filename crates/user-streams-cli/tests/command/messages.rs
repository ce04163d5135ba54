//! `add`, `list`, `count`, `remove` and `users`.

use std::{
    fs,
    process::{Command, Stdio},
};

use crate::support::{AT, Home, PROGRAM, first_word};

fn lines(home: &Home, arguments: &[&str]) -> Vec<String> {
    home.ok(arguments).lines().map(str::to_owned).collect()
}

#[test]
fn an_item_is_added_listed_counted_and_removed() {
    let home = Home::new();
    let item = home.add("a", "Hello");
    assert_eq!(home.ok(&["list", "42"]), format!("2026-03-01T12:00:00+00:00  {item}  Hello\n"));
    assert_eq!(home.ok(&["count", "42"]), "1\n");
    assert_eq!(home.ok(&["remove", "--user", "42", "--user", "43", &item]), "1 removed\n");
    assert_eq!(home.ok(&["remove", "--user", "42", &item]), "0 removed\n");
    assert_eq!(home.ok(&["count", "42"]), "0\n");
}

#[test]
fn the_same_event_is_the_same_item_and_an_item_can_be_named() {
    let home = Home::new();
    let item = home.add("a", "Hello");
    assert_eq!(home.add("a", "Hello"), item);
    let again = home.ok(&["add", "--user", "42", "--user", "-7", "--item", &item, "Hello"]);
    assert_eq!(again, format!("{item}  1 delivered\n"));
    assert_eq!(home.sql("SELECT COUNT(*) FROM user_streams_single_table"), 2);
    assert_eq!(lines(&home, &["users"]), ["-7", "42"]);
}

#[test]
fn ids_come_from_a_file_and_from_standard_input() {
    let home = Home::new();
    let ids: String = (1..=25_000).map(|id| format!("{id}\n")).collect();
    fs::write(home.path("ids.txt"), &ids).expect("a file");
    let add = |from| [&["add", "--users-from", from], AT, &["a", "Hello"]].concat();
    assert!(home.ok(&add("ids.txt")).ends_with("  25000 delivered\n"));
    let more: String = (20_001..=30_000).map(|id| format!("{id}\r\n")).collect();
    let added = home.run_with(&add("-"), &more).ok();
    assert!(added.ends_with("  5000 delivered\n"), "{added}");
    let users = "SELECT COUNT(DISTINCT user_id) FROM user_streams_single_table";
    assert_eq!(home.sql(users), 30_000);
    assert_eq!(home.sql("SELECT COUNT(*) FROM user_streams_single_table"), 30_000);

    let item = first_word(&added);
    assert_eq!(home.ok(&["remove", "--users-from", "ids.txt", &item]), "25000 removed\n");
    assert_eq!(home.ok(&["users"]).lines().count(), 5_000);
}

#[test]
fn there_is_a_bar_on_a_terminal_and_none_elsewhere() {
    let home = Home::new();
    let ids: String = (1..=30_000).map(|id| format!("{id}\n")).collect();
    fs::write(home.path("ids.txt"), &ids).expect("a file");
    let add = [&["add", "--users-from", "ids.txt"], AT, &["a", "Hello"]].concat();
    // `script` gives it a terminal.
    let line = format!("{PROGRAM} {}", add.join(" "));
    let mut on_a_terminal = Command::new("script");
    let environment = home.command(&[]);
    let environment = environment.get_envs().filter_map(|(name, value)| Some((name, value?)));
    on_a_terminal.args(["-qec", &line, "/dev/null"]).current_dir(home.directory()).env_clear();
    on_a_terminal.envs(environment).env("TERM", "xterm").stdin(Stdio::null());
    let output = on_a_terminal.output().expect("`script` of util-linux");
    let text = String::from_utf8_lossy(&output.stdout);
    for expected in ["[=", "10,000 users, ", "/s, ", " %, 00:00:0", " left", "  30000 delivered"] {
        assert!(text.contains(expected), "{expected:?} in:\n{text}");
    }
    let elsewhere = home.run(&add);
    assert!(!elsewhere.stderr.contains(['[', '\r', '\u{1b}']), "{}", elsewhere.stderr);
    assert!(elsewhere.ok().ends_with("  0 delivered\n"));
}

#[test]
fn ids_in_a_stream_need_an_item_that_can_be_named_again() {
    let home = Home::new();
    for more in [&[][..], &["--created-at", "2026-03-01T12:00:00Z"]] {
        let ran = home.run(&[&["add", "--users-from", "-", "Hello"], more].concat());
        let error = ran.error(2);
        assert!(error.contains("--created-at and --id-from-event"), "{error}");
    }
    // An id alone is no item.
    let ran = home.run(&["add", "--user", "1", "--id-from-event", "a", "Hello"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("--created-at"), "{}", ran.stderr);
}

#[test]
fn a_line_that_is_no_id_is_named_and_the_same_command_completes_the_rest() {
    let home = Home::new();
    let add = [&["add", "--users-from", "-"], AT, &["a", "Hello"]].concat();
    let ran = home.run_with(&add, "1\n2\nthree\n4\n");
    let error = ran.error(2);
    assert!(error.contains("standard input, line 3: \"three\" is no bigint id"), "{error}");
    assert!(error.contains("at least 2 users have the item"), "{error}");
    assert!(home.run_with(&add, "1\n2\n3\n4\n").ok().ends_with("  2 delivered\n"));
}

#[test]
fn the_content_can_come_from_standard_input() {
    let home = Home::new();
    let add = [&["add", "--user", "42"], AT, &["a", "-"]].concat();
    home.run_with(&add, "two\nlines\n").ok();
    assert!(home.ok(&["list", "42"]).ends_with("  two\\nlines\n"));
    let both = [&["add", "--users-from", "-"], AT, &["a", "-"]].concat();
    assert!(home.run(&both).error(2).contains("both the content and the ids"));
}

#[test]
fn pages_lead_to_each_other_and_say_how() {
    let home = Home::new();
    let items: Vec<_> = (0..5).map(|n| home.add(&n.to_string(), &format!("item {n}"))).collect();
    let mut order = lines(&home, &["list", "42"]);
    assert_eq!(order.len(), items.len());
    let first = home.run(&["list", "42", "-n", "2"]);
    let next = first.stderr.trim().strip_prefix("older: --after ").expect("a next page").to_owned();
    let second = home.run(&["list", "42", "-n", "3", "--after", &next]);
    assert_eq!(second.stderr, "");
    assert_eq!(format!("{}{}", first.stdout, second.stdout), order.join("\n") + "\n");
    let before = lines(&home, &["list", "42", "-n", "2", "--before", &next, "--quiet"]);
    assert_eq!(before, [order.remove(0)]);

    let json = home.ok(&["list", "42", "-n", "1", "--json"]);
    let item: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert!(items.iter().any(|known| item["cursor"] == *known.as_str()), "{json}");
    assert!(item["content"].as_str().is_some_and(|content| content.starts_with("item ")));
    assert_eq!(item["created_at"], "2026-03-01T12:00:00Z");
    assert!(item["id"].is_string());

    let since = ["list", "42", "--since", "2026-03-01T12:00:00.000001Z"];
    assert_eq!(home.ok(&since), "");
    assert_eq!(lines(&home, &["list", "42", "--until", "2026-03-01T12:00:01Z"]).len(), 5);
}

#[test]
fn times_are_local_or_utc() {
    let home = Home::with(&[("TZ", "<+0530>-5:30")]);
    home.add("a", "Hello");
    assert!(home.ok(&["list", "42"]).starts_with("2026-03-01T17:30:00+05:30  "));
    assert!(home.ok(&["list", "42", "--utc"]).starts_with("2026-03-01T12:00:00+00:00  "));
}

#[test]
fn a_feed_is_apart() {
    let home = Home::with(&[("USER_STREAMS_FEEDS", "news")]);
    home.add("a", "main");
    let add = [&["add", "--user", "42", "--feed", "news"], AT, &["b", "news"]].concat();
    home.ok(&add);
    assert_eq!(home.ok(&["count", "42"]), "1\n");
    assert_eq!(home.ok(&["count", "42", "--feed", "news"]), "1\n");
    assert_eq!(home.ok(&["count", "42", "--merge", "news"]), "2\n");
    assert_eq!(home.ok(&["users", "--feed", "news"]), "42\n");
    let error = home.run(&["count", "42", "--feed", "offers"]);
    assert!(error.error(2).contains("`news`"), "{}", error.stderr);
}

#[test]
fn text_ids_are_taken_as_they_are() {
    let home = Home::with(&[("USER_STREAMS_SINGLE_TABLE_USER_ID", "text")]);
    let add = [&["add", "--users-from", "-"], AT, &["a", "Hello"]].concat();
    home.run_with(&add, "ann\nAnn\n ann \n42\n").ok();
    assert_eq!(lines(&home, &["users"]), [" ann ", "42", "Ann", "ann"]);
}

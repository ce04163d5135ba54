//! `export` and `restore`.

use std::fs;

use crate::{
    full::{SETTINGS, full},
    support::Home,
};

const OTHERS: &str = "many-to-many+sqlite://feeds.db?mode=rwc";

fn kinds(export: &str) -> Vec<String> {
    let kind = |line: &str| {
        let record: serde_json::Value = serde_json::from_str(line).expect("JSON");
        record["kind"].as_str().expect("a kind").to_owned()
    };
    let mut kinds: Vec<_> = export.lines().map(kind).collect();
    kinds.dedup();
    kinds
}

#[test]
fn what_is_exported_restored_elsewhere_and_exported_again_is_the_same() {
    let home = full();
    let export = home.ok(&["export"]);
    let expected = [
        "export",
        "retracted",
        "dismissed",
        "audience",
        "mark",
        "item", // of the main streams
        "audience",
        "mark",
        "item",
        "end",
    ];
    assert_eq!(kinds(&export), expected);

    let other = Home::of(OTHERS, SETTINGS);
    let lines = export.lines().count() - 2;
    let restored = other.run_with(&["restore"], &export).ok();
    assert_eq!(restored, format!("{lines} records, {lines} added\n"));
    assert_eq!(other.ok(&["export"]), export);
    for command in [&["count", "42"][..], &["unread", "42"], &["unread", "42", "--seen"]] {
        assert_eq!(other.ok(command), home.ok(command), "{command:?}");
    }

    // Into a file, and from it, again.
    other.ok(&["export", "--to", "all.jsonl"]);
    assert_eq!(fs::read_to_string(other.path("all.jsonl")).expect("the file"), export);
    let again = other.ok(&["restore", "--from", "all.jsonl"]);
    assert_eq!(again, format!("{lines} records, 0 added\n"));
}

#[test]
fn single_items_that_are_read_and_unread_come_back() {
    let home = full();
    let mark = |feed: &str, event: &str| {
        let mark = format!(
            "INSERT INTO user_streams_single_table__us_{feed} (user_id, created_at_us, id, \
             content) SELECT user_id, created_at_us, id, '' FROM user_streams_single_table \
             WHERE user_id = 42 AND content LIKE '{event}%'"
        );
        let database = rusqlite::Connection::open(home.path("feeds.db")).expect("the file");
        assert!(database.execute(&mark, []).expect("a mark") > 0);
    };
    mark("read", "item 0");
    mark("unread", "item 2");
    let export = home.ok(&["export"]);
    assert!(kinds(&export).contains(&"unread".to_owned()));
    let other = Home::of(OTHERS, SETTINGS);
    other.run_with(&["restore"], &export).ok();
    assert_eq!(other.ok(&["export"]), export);
}

#[test]
fn an_export_that_was_cut_off_is_no_success() {
    let home = full();
    let export = home.ok(&["export"]);
    let cut = export.rsplit_once("{\"kind\":\"end\"").expect("the end").0;
    let other = Home::of(OTHERS, SETTINGS);
    let ran = other.run_with(&["restore"], cut);
    assert!(ran.error(1).contains("the export is not whole"), "{}", ran.stderr);
    let ran = other.run_with(&["restore"], &cut[..cut.len() - 9]);
    assert!(ran.error(2).contains("it is no record of an export"), "{}", ran.stderr);
    let ran = other.run_with(&["restore"], "");
    assert!(ran.error(2).contains("empty"), "{}", ran.stderr);
    let ran = other.run_with(&["restore"], export.split_once('\n').expect("lines").1);
    assert!(ran.error(2).contains("first line"), "{}", ran.stderr);
}

#[test]
fn settings_that_lack_what_the_export_has_are_told() {
    let home = full();
    let export = home.ok(&["export"]);
    let other = Home::of(OTHERS, &[("USER_STREAMS_AUDIENCES", "true")]);
    let ran = other.run_with(&["restore"], &export);
    let flags = "--dismissals --item-marks --retractions --feeds news,offers";
    assert!(ran.error(2).contains(flags), "{}", ran.stderr);
    let text = Home::of(
        "single-table+sqlite://feeds.db?mode=rwc",
        &[("USER_STREAMS_SINGLE_TABLE_USER_ID", "text")],
    );
    let ran = text.run_with(&["restore"], &export);
    assert!(ran.error(2).contains("bigint ids"), "{}", ran.stderr);
}

#[test]
fn a_file_that_cannot_be_written_is_not_begun() {
    let home = Home::new();
    let ran = home.run(&["export", "--to", "no/such/directory"]);
    assert!(ran.error(1).contains("cannot write no/such/directory"), "{}", ran.stderr);
    assert_eq!(fs::read_dir(home.directory()).expect("a directory").count(), 1);
}

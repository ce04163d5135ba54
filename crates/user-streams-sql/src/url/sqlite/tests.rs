use std::path::Path;

use user_streams_core::ErrorKind;

use super::*;

fn read(url: &str) -> SqliteUrl {
    sqlite(url).unwrap_or_else(|error| panic!("{url}: {error}"))
}

fn message(url: &str) -> String {
    let error = sqlite(url).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSettings, "{url}");
    format!("{error:?}")
}

#[test]
fn the_path_is_what_follows() {
    for (url, expected) in [
        ("sqlite:feeds.db", "feeds.db"),
        ("sqlite://feeds.db?mode=rwc", "feeds.db"),
        ("sqlite:///var/lib/feeds.db", "/var/lib/feeds.db"),
        ("sqlite:/var/lib/feeds.db", "/var/lib/feeds.db"),
        ("sqlite://./a/../feeds.db", "./a/../feeds.db"),
        ("sqlite://my dir/x.db", "my dir/x.db"),
        ("sqlite://my%20dir/x.db", "my dir/x.db"),
        ("sqlite://ann@example/über%3F%23+.db", "ann@example/über?#+.db"),
        (r"sqlite://C:\feeds\x.db", r"C:\feeds\x.db"),
        ("sqlite://C:/feeds/x.db", "C:/feeds/x.db"),
    ] {
        let read = read(url);
        assert_eq!(read.options.get_filename(), Path::new(expected), "{url}");
        let file = read.file.unwrap();
        assert!(file.path == expected && !file.is_read_only, "{url}");
    }
    let windows = if cfg!(windows) { "C:/x.db" } else { "/C:/x.db" };
    assert_eq!(read("sqlite:///C:/x.db").options.get_filename(), Path::new(windows));
}

#[test]
fn the_mode_says_what_is_done_with_the_file() {
    for (query, is_read_only, expected) in [
        ("", false, "read_only: false, create_if_missing: false"),
        ("?mode=rw", false, "read_only: false, create_if_missing: false"),
        ("?mode=rwc", false, "read_only: false, create_if_missing: true"),
        ("?mode=ro", true, "read_only: true, create_if_missing: false"),
        ("?immutable=1", true, "read_only: true, create_if_missing: false"),
        ("?mode=rwc&cache=shared&vfs=unix-none", false, "shared_cache: true"),
    ] {
        let read = read(&format!("sqlite://x.db{query}"));
        let shown = format!("{:?}", read.options);
        assert_eq!(read.file.unwrap().is_read_only, is_read_only, "{query}");
        assert!(shown.contains(expected), "{query}: {shown}");
    }
}

#[test]
fn a_database_in_memory_has_a_name_by_which_its_connections_share_it() {
    let mut names = Vec::new();
    for url in [
        "sqlite::memory:",
        "sqlite://:memory:",
        "sqlite://%3Amemory%3A?mode=rwc",
        "sqlite://?mode=memory",
        "sqlite://feeds?mode=memory&cache=private",
    ] {
        let read = read(url);
        assert!(read.file.is_none(), "{url}");
        assert!(format!("{:?}", read.options).contains("in_memory: true"), "{url}");
        names.push(read.options.get_filename().to_owned());
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 5, "each its own: {names:?}");
    let named = read("sqlite://my%20feeds?mode=memory");
    assert_eq!(named.options.get_filename(), Path::new("file:my%20feeds"));
}

#[test]
fn what_is_wrong_is_named() {
    for (url, expected) in [
        ("sqlite://", "names no file: write `sqlite://feeds.db?mode=rwc`"),
        ("sqlite:", "names no file"),
        ("sqlite://?mode=rwc", "names no file"),
        ("sqlite::memory", "does not begin with `file:` or `:`"),
        ("sqlite:file:x.db", "does not begin with `file:` or `:`"),
        ("sqlite://x#y.db", "`%23`"),
        ("sqlite://50%.db", "`%25`"),
        ("sqlite://x.db?mode=rwx", "mode: expected one of `ro`, `rw`, `rwc`, `memory`"),
        ("sqlite://x.db?mod=ro", "did you mean `mode`?"),
        ("sqlite://x.db?cache=on", "cache: expected one of"),
        ("sqlite://x.db?immutable=yes", "immutable: expected one of"),
        ("sqlite://x.db?journal_mode=wal", "the backend sets WAL"),
        ("sqlite://x.db?vfs=", "vfs: expected a text"),
        ("sqlite::memory:?mode=ro", "read-only"),
    ] {
        let message = message(url);
        assert!(message.contains(expected), "{url}: {message}");
    }
}

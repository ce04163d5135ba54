//! Streams that have something of everything.

use crate::support::{AT, Home};

/// Switches everything on.
pub(crate) const SETTINGS: &[(&str, &str)] = &[
    ("USER_STREAMS_FEEDS", "news,offers"),
    ("USER_STREAMS_AUDIENCES", "true"),
    ("USER_STREAMS_DISMISSALS", "true"),
    ("USER_STREAMS_RETRACTIONS", "true"),
    ("USER_STREAMS_ITEM_MARKS", "true"),
];

/// Streams that have something of everything.
pub(crate) fn full() -> Home {
    let home = Home::with(SETTINGS);
    for n in 0..3 {
        home.add(&format!("item {n}"), &format!("item {n}\n\"☃\""));
    }
    let item = home.add("hidden", "dismissed and retracted");
    let ids: String = (1..=1_000).map(|id| format!("{id}\n")).collect();
    home.run_with(&[&["add", "--users-from", "-"], AT, &["all", ""]].concat(), &ids).ok();
    let news = [&["add", "--user", "42", "--user", "7", "--feed", "news"], AT].concat();
    home.ok(&[&news[..], &["news", "Version 2"]].concat());
    home.ok(&[&["add", "--everyone"], AT, &["everyone", "Sunday"]].concat());
    let team = [&["add", "--audience", "team:7", "--feed", "news"], AT].concat();
    home.ok(&[&team[..], &["team", "won"]].concat());
    home.ok(&["dismiss", "42", &item]);
    // Somebody who has no items.
    home.ok(&["dismiss", "4200", &item]);
    home.ok(&["mark-read", "4200"]);
    home.ok(&["retract", &item]);
    home.ok(&["mark-read", "42", "--up-to", &home.add("item 1", "")]);
    home.ok(&["mark-read", "42", "--seen"]);
    home.ok(&["mark-read", "7", "--feed", "news"]);
    home
}

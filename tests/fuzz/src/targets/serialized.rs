//! What is public and serialized, in JSON and in postcard, which does not describe itself: what is
//! read is written and read again as the same, and nothing that it has panics.

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};
use user_streams_core::{
    Cursor, CursorPage, ItemId, NewItem, Page, PageLink, StreamItem, UserId, UserIdKind,
};

use crate::{outcome::Outcome, target::Target};

pub(super) fn targets() -> Vec<Target> {
    vec![json(), postcard()]
}

/// The first byte of an input says which type it is.
fn json() -> Target {
    let item = r#"{"id":"7","created_at":"2026-11-26T00:00:00.123456789+05:30","content":"a\n"}"#;
    let page = format!(r#"{{"object_list":[{item}],"number":3,"has_next":true,"per_page":10}}"#);
    let cursor = "AQAAAAAAAAABAAAAAAAAAAE";
    let cursor_page = format!(r#"{{"items":[{item}],"next":"{cursor}","previous":null}}"#);
    let seeds = [
        format!("0\"{cursor}\""),
        "1\"42\"".to_owned(),
        r#"2{"uuid":"550e8400-e29b-41d4-a716-446655440000"}"#.to_owned(),
        "3\"bigint\"".to_owned(),
        format!("4{item}"),
        format!("5{item}"),
        format!("6{page}"),
        format!("7{cursor_page}"),
        r#"8{"page":7}"#.to_owned(),
        "8\"ellipsis\"".to_owned(),
    ];
    let words = [
        "+262142-12-31T23:59:60Z",
        "-262143-01-01T00:00:00+23:59",
        "1684-07-01T00:00:00-00:00",
        "2255-06-05T23:47:34.740992Z",
        "0001-01-01T00:00:00Z",
        ".999999999",
        "-23:59",
        "{\"",
        "\":",
        ",\"",
        "[[[[",
        "null",
        "\\u0000",
        "\\ud800",
        "number",
        "per_page",
        "has_next",
    ];
    Target::of_bytes("json", seeds, &words, |bytes| {
        let Some((kind, text)) = bytes.split_first() else { return Outcome::unreadable("empty") };
        let text = &*String::from_utf8_lossy(text);
        match kind % 9 {
            0 => own(text.trim().trim_matches('"'), in_json::<Cursor>(text)),
            1 => own(text.trim().trim_matches('"'), in_json::<ItemId>(text)),
            2 => in_json::<UserId>(text).1,
            3 => in_json::<UserIdKind>(text).1,
            4 => in_json::<NewItem>(text).1,
            5 => in_json::<StreamItem>(text).1,
            6 => numbers(in_json::<Page>(text)),
            7 => in_json::<CursorPage>(text).1,
            _ => in_json::<PageLink>(text).1,
        }
    })
}

fn postcard() -> Target {
    let cursor = [b"\x17", &b"AQAAAAAAAAABAAAAAAAAAAE"[..]].concat();
    let date = b"\x142026-11-26T00:00:00Z";
    let item = [&b"\x017"[..], date, b"\x02hi"].concat();
    let seeds = [
        [b"0", &cursor[..]].concat(),
        b"1\x0242".to_vec(),
        b"2\x00\x0242".to_vec(),
        b"2\x02\x03ann".to_vec(),
        b"3\x01".to_vec(),
        [b"4", &item[..]].concat(),
        [b"5", &item[..]].concat(),
        [b"6\x01", &item[..], b"\x03\x05\x29\x0a"].concat(),
        [b"7\x01", &item[..], b"\x01", &cursor[..], b"\x00"].concat(),
        b"8\x00\x07".to_vec(),
    ];
    let words = ["\u{1}", "\u{0}", "\u{7f}", "\u{14}2026-11-26T00:00:00Z"];
    Target::of_bytes("postcard", seeds, &words, |bytes| {
        let Some((kind, bytes)) = bytes.split_first() else { return Outcome::unreadable("empty") };
        match kind % 9 {
            0 => in_postcard::<Cursor>(bytes).1,
            1 => in_postcard::<ItemId>(bytes).1,
            2 => in_postcard::<UserId>(bytes).1,
            3 => in_postcard::<UserIdKind>(bytes).1,
            4 => in_postcard::<NewItem>(bytes).1,
            5 => in_postcard::<StreamItem>(bytes).1,
            6 => numbers(in_postcard::<Page>(bytes)),
            7 => in_postcard::<CursorPage>(bytes).1,
            _ => in_postcard::<PageLink>(bytes).1,
        }
    })
}

fn in_json<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    text: &str,
) -> (Option<T>, Outcome) {
    match serde_json::from_str::<T>(text) {
        Ok(value) => {
            let json = serde_json::to_string(&value).unwrap_or_default();
            let again = serde_json::from_str::<T>(&json);
            assert_eq!(again.ok().as_ref(), Some(&value), "{text} is written as {json}");
            (Some(value), Outcome::accepted(std::any::type_name::<T>()))
        }
        Err(error) => (None, Outcome::foreign(&error)),
    }
}

fn in_postcard<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    bytes: &[u8],
) -> (Option<T>, Outcome) {
    match postcard::from_bytes::<T>(bytes) {
        Ok(value) => {
            let written = postcard::to_allocvec(&value).unwrap_or_default();
            let again = postcard::from_bytes::<T>(&written);
            assert_eq!(again.ok().as_ref(), Some(&value), "written as {written:?}");
            (Some(value), Outcome::accepted(std::any::type_name::<T>()))
        }
        Err(error) => (None, Outcome::foreign(&error)),
    }
}

/// A text in quotes is refused with a short message.
fn own<T>(text: &str, (_, outcome): (Option<T>, Outcome)) -> Outcome {
    assert!(outcome.message_len < 1_024, "{} bytes: {:.200}", outcome.message_len, text);
    outcome
}

/// A page of a cache or of another process: any numbers.
fn numbers((page, outcome): (Option<Page>, Outcome)) -> Outcome {
    let Some(page) = page else { return outcome };
    let (next, previous) = (page.next_page_number(), page.previous_page_number());
    assert_eq!((next.is_ok(), previous.is_ok()), (page.has_next(), page.has_previous()));
    let places = (page.start_index(), page.end_index(), page.get(page.len()).is_none());
    assert!(places.2 && page.iter().count() == page.len());
    outcome
}

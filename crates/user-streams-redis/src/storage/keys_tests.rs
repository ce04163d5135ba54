use std::collections::HashMap;

use user_streams_core::ErrorKind;

use super::*;

fn key(prefix: &str, user: impl Into<UserId>) -> String {
    let key = Keys::new(prefix).unwrap().stream(&user.into()).unwrap();
    String::from_utf8(key.to_vec()).unwrap()
}

#[test]
fn each_kind_has_one_form() {
    assert_eq!(key("user_streams", 42), "user_streams:stream:42");
    assert_eq!(key("user_streams", i64::MIN), "user_streams:stream:-9223372036854775808");
    let uuid = uuid::Uuid::from_u128(0xF3C0_B28F_61B6_5A86_9760_956B_C1A9_C6CA);
    assert_eq!(key("p", uuid), "p:stream:f3c0b28f-61b6-5a86-9760-956bc1a9c6ca");
    assert_eq!(key("p", "a b:☃"), "p:stream:a b:☃");
    assert_eq!(key("my:app", ""), "my:app:stream:");
}

#[test]
fn shared_content_is_at_the_timestamp_and_id() {
    let keys = Keys::new("{p}").unwrap();
    assert_eq!(keys.shared_content(-5, i64::MAX), "%7Bp%7D:content:-5:9223372036854775807");
    assert!(keys.shared_content(0, 1).starts_with(&keys.shared_content_prefix()));
}

#[test]
fn no_id_chooses_its_slot() {
    assert_eq!(key("{p}%", "{x}\u{1}\n\u{85}%7B"), "%7Bp%7D%25:stream:%7Bx%7D%01%0A%C2%85%257B");
}

#[test]
fn a_prefix_is_its_own_pattern() {
    assert_eq!(key(r"a*b?[c]^\d e", "*? [f]"), "a%2Ab%3F%5Bc]^%5Cd%20e:stream:*? [f]");
}

#[test]
fn a_prefix_with_a_reserved_segment_is_refused_by_its_name() {
    for (prefix, segment) in [
        ("stream", "stream"),
        ("a:feed", "feed"),
        ("content:a", "content"),
        (":stream:", "stream"),
        ("a:b:feed:c", "feed"),
    ] {
        let error = Keys::new(prefix).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSettings, "{prefix}");
        assert!(error.message().contains(&format!("`{segment}`")), "{error}");
    }
    for prefix in ["", ":", "streams", "a:streaming:b", "user_streams", "user", "a:item", "Feed"] {
        assert!(Keys::new(prefix).is_ok(), "{prefix}");
    }
}

/// What a key is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Space {
    Stream,
    Feed(&'static str),
    Content(i64, i64),
}

/// The pattern of Redis: `*`, `?`, `[…]` and `\`, on bytes; the classes as `stringmatchlen` has
/// them are not needed, since no pattern of ours may contain a `[`.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, _) => text.is_empty(),
        (Some((b'*', rest)), _) => (0..=text.len()).any(|skipped| matches(rest, &text[skipped..])),
        (Some((b'[', _)), _) => panic!("a class in a pattern"),
        (Some((b'?', rest)), Some((_, text))) => matches(rest, text),
        (Some((b'\\', rest)), Some((byte, text))) if !rest.is_empty() => {
            rest[0] == *byte && matches(&rest[1..], text)
        }
        (Some((expected, rest)), Some((byte, text))) => expected == byte && matches(rest, text),
        (Some(_), None) => false,
    }
}

/// Triples of a prefix, a space and an id, of parts that are meant to collide: as many as
/// `USER_STREAMS_TEST_KEYS` says, 100,000 by default.
#[test]
fn no_two_prefixes_feeds_or_ids_share_a_key_or_a_pattern() {
    const PARTS: [&str; 27] = [
        "",
        ":",
        "::",
        "stream",
        "feed",
        "content",
        "user",
        ":stream:",
        ":feed:",
        ":content:",
        "stream:",
        ":feed",
        "a",
        "b",
        "1",
        "-1",
        "%",
        "%3A",
        "{",
        "}",
        "*",
        "?",
        "[",
        "\\",
        "\0",
        "\n",
        "☃ ",
    ];
    let mut random = fastrand::Rng::with_seed(25);
    let text = |random: &mut fastrand::Rng| -> String {
        (0..random.usize(..5)).map(|_| PARTS[random.usize(..PARTS.len())]).collect()
    };
    let number = std::env::var("USER_STREAMS_TEST_KEYS")
        .map_or(100_000, |number| number.parse().expect("a number of keys"));
    let mut prefixes: Vec<(String, Keys)> = Vec::new();
    while prefixes.len() < 2_000 {
        let prefix = text(&mut random);
        if let Ok(keys) = Keys::new(&prefix) {
            prefixes.push((prefix, keys));
        }
    }
    prefixes.sort_by(|a, b| a.0.cmp(&b.0));
    prefixes.dedup_by(|a, b| a.0 == b.0);
    assert!(prefixes.len() > 500, "{}", prefixes.len());

    let mut seen = HashMap::new();
    for _ in 0..number {
        let (prefix, keys) = &prefixes[random.usize(..prefixes.len())];
        let id = text(&mut random);
        let space = match random.u8(..3) {
            0 => Space::Stream,
            1 => Space::Feed(["stream", "feed", "content", "a"][random.usize(..4)]),
            _ => Space::Content(random.i64(-9..9), random.i64(1..9)),
        };
        let id = if matches!(space, Space::Content(..)) { String::new() } else { id };
        let stream = keys.stream(&UserId::Text(id.clone())).unwrap();
        let stream = String::from_utf8(stream.to_vec()).unwrap();
        let (stem, encoded_id) = stream.split_at(keys.stream_prefix.len());
        let key = match space {
            Space::Stream => stream.clone(),
            Space::Content(at, id) => {
                String::from_utf8(keys.shared_content(at, id).to_vec()).unwrap()
            }
            // As it will be formed.
            Space::Feed(name) => {
                let encoded = stem.strip_suffix(":stream:").unwrap();
                format!("{encoded}:feed:{name}:{encoded_id}")
            }
        };
        assert!(!key.contains(['{', '}']), "{key:?}");
        assert!(!key.contains(char::is_control), "{key:?}");
        for _ in 0..4 {
            let (other, other_keys) = &prefixes[random.usize(..prefixes.len())];
            let (streams, contents) = (&other_keys.stream_prefix, &other_keys.content_prefix);
            let pattern = |stem: &str| matches(format!("{stem}*").as_bytes(), key.as_bytes());
            let is_own = other == prefix;
            assert_eq!(pattern(streams), is_own && space == Space::Stream, "{key} {streams}");
            let is_content = matches!(space, Space::Content(..));
            assert_eq!(pattern(contents), is_own && is_content, "{key} {contents}");
        }
        assert!(space != Space::Stream || matches(format!("{stem}*").as_bytes(), key.as_bytes()));
        let triple = (prefix, space, id);
        if let Some(former) = seen.get(&key) {
            assert_eq!(former, &triple, "{key:?}");
        } else {
            seen.insert(key, triple);
        }
    }
    assert!(seen.len() > number / 4, "{}", seen.len());
}

use std::collections::HashMap;

use fred::util::redis_keyslot;
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
fn marks_are_in_the_slot_of_the_stream() {
    let keys = Keys::new("p").unwrap();
    assert_eq!(keys.marks(&42.into()).unwrap(), "p:mark:{p:stream:42}");
    let news = keys.feed(&"news".parse().unwrap());
    assert_eq!(news.marks(&42.into()).unwrap(), "p:feed:news:mark:{p:feed:news:stream:42}");
}

#[test]
fn a_feed_has_all_keys_again_below_its_name() {
    let news = Keys::new("my:app").unwrap().feed(&"news".parse().unwrap());
    assert_eq!(news.stream(&42.into()).unwrap(), "my:app:feed:news:stream:42");
    assert_eq!(news.shared_content(-5, 7), "my:app:feed:news:content:-5:7");
}

#[test]
fn a_user_is_read_from_no_other_form_of_the_key() {
    let keys = Keys::new("p").unwrap();
    for (kind, ids) in [
        (UserIdKind::BigInt, &["007", "+7", "", "7 ", "a", "{7}", "9223372036854775808"][..]),
        (
            UserIdKind::Uuid,
            &["7", "F3C0B28F-61B6-5A86-9760-956BC1A9C6CA", "f3c0b28f61b65a869760956bc1a9c6ca"],
        ),
        (UserIdKind::Text, &["%41", "%7b", "%", "%7", "{7}", "a%FF", "%+1", "\u{1}"]),
    ] {
        for id in ids {
            assert_eq!(keys.user(format!("p:stream:{id}").as_bytes(), kind), None, "{id:?}");
        }
        for key in ["p:content:1:1", "p:feed:a:stream:7", "q:stream:7", "p:stream", "stream:7"] {
            assert_eq!(keys.user(key.as_bytes(), kind), None, "{key}");
        }
    }
    assert_eq!(keys.user(b"p:stream:\xff", UserIdKind::Text), None);
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
        ("mark:x", "mark"),
    ] {
        let error = Keys::new(prefix).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSettings, "{prefix}");
        assert!(error.message().contains(&format!("`{segment}`")), "{error}");
    }
    for prefix in
        ["", ":", "streams", "a:streaming:b", "user_streams", "user", "a:item", "Feed", "marks"]
    {
        assert!(Keys::new(prefix).is_ok(), "{prefix}");
    }
}

/// What a key is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Space {
    Stream,
    Content(i64, i64),
    Marks,
}

impl Space {
    /// The word before it in a key.
    fn word(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Content(..) => "content",
            Self::Marks => "mark",
        }
    }
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

/// Prefixes, feeds, spaces and ids, of parts that are meant to collide: as many as
/// `USER_STREAMS_TEST_KEYS` says, 100,000 by default.
#[test]
fn no_two_prefixes_feeds_or_ids_share_a_key_or_a_pattern() {
    const PARTS: [&str; 30] = [
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
        "mark",
        ":mark:",
        "a:stream:1",
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

    let names = ["stream", "feed", "content", "mark", "a", "b_1"];
    let mut seen = HashMap::new();
    for _ in 0..number {
        let (prefix, keys) = &prefixes[random.usize(..prefixes.len())];
        let feed = random.bool().then(|| names[random.usize(..names.len())]);
        let keys = feed.map_or_else(|| keys.clone(), |feed| keys.feed(&feed.parse().unwrap()));
        let space = match random.u8(..3) {
            0 => Space::Stream,
            1 => Space::Marks,
            _ => Space::Content(random.i64(-9..9), random.i64(1..9)),
        };
        let id =
            if matches!(space, Space::Content(..)) { String::new() } else { text(&mut random) };
        let user = UserId::Text(id.clone());
        let stream = keys.stream(&user).unwrap();
        let key = match space {
            Space::Stream => stream.clone(),
            Space::Marks => keys.marks(&user).unwrap(),
            Space::Content(at, id) => keys.shared_content(at, id),
        };
        let is_marks = space == Space::Marks;
        let braces = key.iter().filter(|byte| matches!(byte, b'{' | b'}')).count();
        assert_eq!(braces, if is_marks { 2 } else { 0 }, "{key:?}");
        if is_marks {
            assert_eq!(redis_keyslot(&key), redis_keyslot(&stream), "{key:?}");
        }
        let read = keys.user(&key, UserIdKind::Text);
        assert_eq!(read, (space == Space::Stream).then_some(user), "{key:?}");
        let key = String::from_utf8(key.to_vec()).unwrap();
        assert!(!key.contains(char::is_control), "{key:?}");
        for _ in 0..4 {
            let (other, other_keys) = &prefixes[random.usize(..prefixes.len())];
            let is_own = other == prefix;
            for word in RESERVED {
                let pattern = format!("{}:{word}:*", other_keys.prefix);
                let is_of_word = word == if feed.is_some() { "feed" } else { space.word() };
                let matched = matches(pattern.as_bytes(), key.as_bytes());
                assert_eq!(matched, is_own && is_of_word, "{key} {pattern}");
            }
        }
        let meaning = (prefix, feed, space, id);
        if let Some(former) = seen.get(&key) {
            assert_eq!(former, &meaning, "{key:?}");
        } else {
            seen.insert(key, meaning);
        }
    }
    assert!(seen.len() > number / 4, "{}", seen.len());
}

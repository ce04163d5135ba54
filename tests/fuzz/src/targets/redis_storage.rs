//! What Redis stores: members of sorted sets, which other programs may have written, and keys.

use arbitrary::{Result, Unstructured};
use user_streams_core::{ErrorKind, Name, NewItem, UserId};
use user_streams_redis::fuzz::{decode, encode, keys, sort_key, user_of};

use super::input;
use crate::{outcome::Outcome, target::Target};

pub(super) fn targets() -> Vec<Target> {
    vec![member(), order(), key()]
}

fn member() -> Target {
    let seeds = [
        [&[128, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2][..], b"content"].concat(),
        [&[127, 255, 255, 255, 255, 255, 255, 255, 127, 255, 255, 255][..], &[255; 4]].concat(),
        vec![128, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0],
        b"0123456789abcdef0123456789abcdefHello".to_vec(),
        b"15 bytes of text".to_vec(),
    ];
    let words = ["\0\0\0\0\0\0\0\u{1}", "\0", "☃", "\u{7f}", "\0\0\0\0"];
    Target::of_bytes("redis/member", seeds, &words, |bytes| match decode(bytes) {
        Ok((item, is_shared)) => {
            let new = NewItem::new(item.content.clone())
                .with_created_at(&item.created_at)
                .with_id(item.id);
            let [own, shared] = encode(&new);
            // A content of one NUL, which no item has, stands for content that is shared.
            assert_eq!(if is_shared { shared } else { own }, bytes);
            Outcome::accepted((is_shared, item.content.is_empty(), item.id.get().ilog2()))
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            Outcome::refused(&error, || false)
        }
    })
}

/// Members are ordered as items are.
fn order() -> Target {
    fn check(u: &mut Unstructured<'_>) -> Result<Outcome> {
        let [a, b] = [input::item(u)?, input::item(u)?];
        for item in [&a, &b] {
            let [own, shared] = encode(item);
            assert_eq!(own[..16], sort_key(item.cursor()));
            let decoded = decode(&own).map(|(item, is_shared)| (item.content, is_shared));
            assert_eq!(decoded.ok(), Some((item.content().to_owned(), false)));
            let decoded = decode(&shared).map(|(item, is_shared)| (item.cursor(), is_shared));
            assert_eq!(decoded.ok(), Some((item.cursor(), true)));
        }
        let order = a.cursor().cmp(&b.cursor());
        assert_eq!(sort_key(a.cursor()).cmp(&sort_key(b.cursor())), order, "{a:?} {b:?}");
        Ok(Outcome::accepted((order, a.created_at_us().signum(), b.created_at_us().signum())))
    }
    Target::of_bytes("redis/order", input::seeds(), &[], |bytes| {
        check(&mut Unstructured::new(bytes)).unwrap_or_else(|_| Outcome::unreadable("short"))
    })
}

/// No two prefixes, feeds and ids have the same key, since all can be read from it; and no id
/// chooses its slot.
fn key() -> Target {
    let seeds = [
        "app||ann",
        "my:app||42",
        "{a}%||{b}\n",
        "stream||:stream:",
        "a:feed|b|x",
        "%7B||%7b",
        "app|news|ann",
        "a|mark|{a:stream:1}",
    ];
    let words = [
        ":stream:", ":stream", "feed:", "content", ":mark:", "*", "[", "\\", " ", "{", "}", "%7B",
        "|", ":", "\u{85}", "\u{7f}",
    ];
    Target::of_text("redis/key", &seeds, &words, |text| {
        let (prefix, rest) = text.split_once('|').unwrap_or(("p", text));
        let (feed, id) = rest.split_once('|').unwrap_or(("", rest));
        let feed: Option<Name> = feed.parse().ok();
        let user = UserId::from(id);
        match keys(prefix, feed.as_ref(), &user) {
            Ok(keys) => {
                let [stream, marks] = keys.map(|key| String::from_utf8(key).expect("UTF-8"));
                assert!(!stream.contains(['{', '}']) && !stream.contains(char::is_control));
                // The tag is the whole of the stream's key.
                let (stem, tag) = marks.split_once(":mark:{").expect("`:mark:{`");
                assert_eq!(tag.strip_suffix('}'), Some(&*stream));
                let (shown_stem, shown_id) = match feed.as_ref() {
                    None => stream.split_once(":stream:").expect("`:stream:`"),
                    Some(feed) => {
                        let (shown_prefix, rest) = stream.split_once(":feed:").expect("`:feed:`");
                        let shown = rest.strip_prefix(feed.as_str()).expect("the feed's name");
                        let id = shown.strip_prefix(":stream:").expect("`:stream:`");
                        assert_eq!(stem, format!("{shown_prefix}:feed:{feed}"));
                        (shown_prefix, id)
                    }
                };
                assert_eq!((decoded(shown_stem), decoded(shown_id)), (prefix.into(), id.into()));
                let read = user_of(prefix, stream.as_bytes()).expect("the prefix is valid");
                assert_eq!(read, feed.is_none().then_some(user));
                assert_eq!(user_of(prefix, marks.as_bytes()).ok(), Some(None));
                let shape = (prefix.contains(':'), id.contains(':'), stream.contains('%'));
                Outcome::accepted((feed.is_some(), shape))
            }
            Err(error) => Outcome::refused(&error, || false),
        }
    })
}

/// The text without its percent-encoding.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte == b'%' {
            let digits = std::str::from_utf8(&rest[..2]).expect("two digits");
            bytes.push(u8::from_str_radix(digits, 16).expect("hexadecimal"));
            rest = &rest[2..];
        } else {
            bytes.push(*byte);
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

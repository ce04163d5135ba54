//! Cursors: text from a URL.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use user_streams_core::{Cursor, time};

use crate::{outcome::Outcome, target::Target};

pub(super) fn targets() -> Vec<Target> {
    vec![text(), bytes()]
}

/// What is in the text, before it is encoded.
fn bytes() -> Target {
    let seeds = [0, 1, 127, 128, 255].map(|byte| [&[1][..], &[byte; 16]].concat());
    Target::of_bytes("cursor/bytes", seeds, &["\u{1}", "\u{2}", "\0\0\0\0", "\u{7f}"], |bytes| {
        check(&URL_SAFE_NO_PAD.encode(bytes))
    })
}

fn text() -> Target {
    let seeds = [
        "AQAFLz6OPUAAAAAAAAAAAAE",
        "AQAAAAAAAAABAAAAAAAAAAE",
        "Af__________f_________8",
        "AQAgAAAAAAAAf_________8",
        "Af_gAAAAAAAAAAAAAAAAAAE",
        "page2",
    ];
    let words = ["AQ", "Ag", "AA", "_w", "__________", "AAAAAAAA", "=", "==", "+", "/", "-_"];
    Target::of_text("cursor", &seeds, &words, check)
}

fn check(text: &str) -> Outcome {
    match text.parse::<Cursor>() {
        Ok(cursor) => {
            assert_eq!(cursor.to_string(), text, "a place has one text");
            let micros = cursor.created_at_us();
            assert!((time::MIN_MICROS..=time::MAX_MICROS).contains(&micros), "{cursor:?}");
            assert_eq!(time::micros(&cursor.created_at()), micros);
            assert_eq!(Cursor::new(cursor.created_at(), cursor.id()), cursor);
            Outcome::accepted((micros.signum(), cursor.id().get().ilog2()))
        }
        // A cursor is no secret, and its beginning is shown.
        Err(error) => Outcome::refused(&error, || true),
    }
}

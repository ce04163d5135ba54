//! Strict percent-decoding: an invalid escape is an error, since the URL may be a password cut off.

use percent_encoding::percent_decode_str;

/// Decodes a part of a URL. `None` if it is malformed, not UTF-8, or has a NUL, which ends strings
/// in the protocols.
pub(super) fn decode(text: &str) -> Option<String> {
    let is_escape = |(at, _)| {
        let digits = text.get(at + 1..at + 3);
        digits.is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
    };
    if !text.match_indices('%').all(is_escape) {
        return None;
    }
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    (!decoded.contains('\0')).then(|| decoded.into_owned())
}

/// The same in a query, where `+` is a space.
pub(super) fn decode_query(text: &str) -> Option<String> {
    decode(&text.replace('+', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_escapes_are_refused() {
        assert_eq!(decode("p%40ss+%E2%82%AC").as_deref(), Some("p@ss+€"));
        assert_eq!(decode_query("a+b%2B").as_deref(), Some("a b+"));
        for malformed in ["%", "50%", "%4", "%zz", "%€", "%ff", "%00"] {
            assert_eq!(decode(malformed), None, "{malformed}");
        }
    }
}

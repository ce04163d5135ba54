//! Percent-encoding, strictly: what is no escape is an error, since it may be half of a password.

use percent_encoding::percent_decode_str;

/// Takes percent-encoding off a part of a URL; none where it is malformed, not UTF-8, or has a NUL,
/// which ends texts in the protocols.
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
    fn what_is_no_escape_is_refused() {
        assert_eq!(decode("p%40ss+%E2%82%AC").as_deref(), Some("p@ss+€"));
        assert_eq!(decode_query("a+b%2B").as_deref(), Some("a b+"));
        for malformed in ["%", "50%", "%4", "%zz", "%€", "%ff", "%00"] {
            assert_eq!(decode(malformed), None, "{malformed}");
        }
    }
}

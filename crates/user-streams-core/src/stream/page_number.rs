//! Page numbers as they come from a program or from a URL.

use crate::{Error, ErrorKind, Result, error::excerpt, stream::digits::digit};

/// What can be the number of a page: any integer, a whole `f64`, or text such as a query parameter,
/// which may be missing.
pub trait PageNumber {
    /// The number, not yet checked to be that of a page.
    ///
    /// # Errors
    /// `PageNotAnInteger` if a text is not an integer.
    fn page_number(self) -> Result<i64>;
}

macro_rules! integers {
    ($($int:ty),*) => {$(
        impl PageNumber for $int {
            // A number too large for i64 is past the end of every stream all the same.
            fn page_number(self) -> Result<i64> {
                Ok(self.try_into().unwrap_or(i64::MAX))
            }
        }
    )*};
}
integers!(i8, i16, i32, i64, u8, u16, u32, u64, usize);

impl PageNumber for f64 {
    // Beyond i64 it is past the end of every stream, or before its beginning.
    #[expect(clippy::cast_possible_truncation, reason = "it is whole, and saturates")]
    fn page_number(self) -> Result<i64> {
        if self.fract() == 0.0 { Ok(self as i64) } else { Err(not_an_integer(&self.to_string())) }
    }
}

/// As Python's `int` reads it: digits of any script, single `_` between digits, and blanks around.
impl PageNumber for &str {
    fn page_number(self) -> Result<i64> {
        let text = self.trim_matches(is_blank);
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let mut number = 0_i64;
        let mut last = '_';
        for c in digits.chars() {
            match digit(c) {
                // What does not fit is merely too far off.
                Some(digit) => {
                    number = number.saturating_mul(10).saturating_add(i64::from(digit) * sign);
                }
                None if c == '_' && last != '_' => {}
                None => return Err(not_an_integer(self)),
            }
            last = c;
        }
        if last == '_' { Err(not_an_integer(self)) } else { Ok(number) }
    }
}

impl PageNumber for &String {
    fn page_number(self) -> Result<i64> {
        self.as_str().page_number()
    }
}

impl PageNumber for String {
    fn page_number(self) -> Result<i64> {
        self.as_str().page_number()
    }
}

/// A parameter that may be missing: then it is not an integer, and leniently page 1.
impl<T: PageNumber> PageNumber for Option<T> {
    fn page_number(self) -> Result<i64> {
        self.map_or_else(|| Err(not_an_integer("")), T::page_number)
    }
}

/// What Python's `str.strip` removes.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

fn not_an_integer(text: &str) -> Error {
    let message = format!("page number {:?} is not an integer", excerpt(text));
    Error::new(ErrorKind::PageNotAnInteger, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_in_any_form_are_page_numbers() {
        for (text, number) in [
            ("7", 7),
            (" 7 ", 7),
            ("\u{1c}7\u{1f}", 7),
            ("+7", 7),
            ("-1", -1),
            ("1_0", 10),
            ("٣", 3),
            ("１２", 12),
            ("99999999999999999999", i64::MAX),
            ("-99999999999999999999", i64::MIN),
        ] {
            assert_eq!(text.page_number().unwrap(), number);
            assert_eq!(Some(text.to_owned()).page_number().unwrap(), number);
        }
        assert_eq!(u64::MAX.page_number().unwrap(), i64::MAX);
        assert_eq!((3.0.page_number().unwrap(), 1e300.page_number().unwrap()), (3, i64::MAX));
    }

    #[test]
    fn other_texts_are_not() {
        for text in ["", "x", "1.5", "1e3", "--1", "_1", "1_", "1__0", "+ 1", "½", "²"] {
            assert_eq!(
                text.page_number().unwrap_err().kind(),
                ErrorKind::PageNotAnInteger,
                "{text}"
            );
        }
    }

    #[test]
    fn a_missing_or_broken_number_is_none_and_no_error_echoes_a_long_text() {
        for error in [None::<&str>.page_number(), 1.5.page_number(), f64::NAN.page_number()] {
            assert_eq!(error.unwrap_err().kind(), ErrorKind::PageNotAnInteger);
        }
        let error = "x".repeat(5_000_000).page_number().unwrap_err();
        assert!(error.message().len() < 200, "{} bytes", error.message().len());
    }
}

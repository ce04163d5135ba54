//! Page numbers as they come from a program or from a URL.

use crate::{Error, ErrorKind, Result};

/// What can be the number of a page: any integer, or text such as a query parameter.
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

impl PageNumber for &str {
    fn page_number(self) -> Result<i64> {
        let text = self.trim();
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Error::new(
                ErrorKind::PageNotAnInteger,
                format!("page number {self:?} is not an integer"),
            ));
        }
        // All digits: what does not fit is merely too far off.
        Ok(text.parse().unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX }))
    }
}

impl PageNumber for &String {
    fn page_number(self) -> Result<i64> {
        self.as_str().page_number()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_in_any_form_are_page_numbers() {
        for (text, number) in
            [("7", 7), (" 7 ", 7), ("+7", 7), ("-1", -1), ("99999999999999999999", i64::MAX)]
        {
            assert_eq!(text.page_number().unwrap(), number);
        }
        assert_eq!(u64::MAX.page_number().unwrap(), i64::MAX);
    }

    #[test]
    fn other_texts_are_not() {
        for text in ["", "x", "1.5", "1e3", "--1", "٣"] {
            assert_eq!(
                text.page_number().unwrap_err().kind(),
                ErrorKind::PageNotAnInteger,
                "{text}"
            );
        }
    }
}

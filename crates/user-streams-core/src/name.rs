//! The names of feeds and marks.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, error::excerpt};

/// The longest name of a feed or a mark, in characters.
const MAX_LEN: usize = 31;

/// The name of a feed or a mark: a lowercase letter, and then up to 30 lowercase letters, digits
/// and single underscores, such as `news` or `team_2`. Every storage can have it in the name of a
/// table or a key.
///
/// ```
/// # use user_streams_core::Name;
/// let name: Name = "news".parse()?;
/// assert_eq!(name.as_str(), "news");
/// assert!("two__underscores".parse::<Name>().is_err());
/// # Ok::<(), user_streams_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Arc<str>);

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let valid = text.len() <= MAX_LEN
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
            && !text.contains("__");
        if valid {
            return Ok(Self(text.into()));
        }
        Err(Error::new(
            ErrorKind::InvalidArgument,
            format!(
                "{:?} cannot be the name of a feed or a mark: a lowercase letter is followed by \
                 up to {} lowercase letters, digits and single underscores",
                excerpt(text),
                MAX_LEN - 1
            ),
        ))
    }
}

impl TryFrom<String> for Name {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl TryFrom<&str> for Name {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_every_storage_can_have() {
        for good in ["a", "news", "team_2", "x_", &"n".repeat(31)] {
            assert_eq!(good.parse::<Name>().unwrap().as_str(), good);
        }
        for bad in ["", "_a", "2a", "News", "a-b", "a__b", "ä", "a:b", "a b", &"n".repeat(32)] {
            let error = bad.parse::<Name>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{bad:?}");
        }
    }

    #[test]
    fn a_name_of_any_length_is_cut_off_in_the_error() {
        let message = "N".repeat(5_000_000).parse::<Name>().unwrap_err().to_string();
        assert!(message.len() < 300, "{} bytes", message.len());
    }
}

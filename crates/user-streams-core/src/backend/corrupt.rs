//! What a backend does where a stored item cannot be read.

use std::fmt::Display;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Result, UserId};

/// What a read does at a stored item that cannot be read: one that is damaged, or that something
/// else has written. The option `on_corrupt` of a backend that stores outside of the process.
///
/// A read gives the next readable items from its position, as many as asked for, and fewer only at
/// the stream's end. Offsets and counts count what is stored, damaged items as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OnCorrupt {
    /// The read fails with `Corrupt`, which names the place. The default: nothing is missing
    /// unnoticed.
    #[default]
    Fail,
    /// The read passes over it, and a warning by `tracing` names the place.
    Skip,
}

impl OnCorrupt {
    /// What a backend does with an error of [`corrupt_item`]: `Err` with it, or `Ok` after a
    /// warning. Other errors are returned in either case.
    ///
    /// # Errors
    /// The one that was given.
    pub fn check(self, error: Error) -> Result<()> {
        if self == Self::Fail || error.kind() != ErrorKind::Corrupt {
            return Err(error);
        }
        tracing::warn!(reason = %error, "a stored item was passed over");
        Ok(())
    }
}

/// The error for a stored item that cannot be read: at which `place` of the storage in whose
/// stream, why, and what to do about it.
pub fn corrupt_item(user: &UserId, place: impl Display, why: impl Display) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!(
            "{place} in the stream of user {user} cannot be read: {why}; `repair_stream` deletes \
             what cannot be read, and the option `on_corrupt = \"skip\"` passes over it"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_damaged_item_is_passed_over_and_only_where_that_is_wanted() {
        let damaged = || corrupt_item(&UserId::Int(7), "row (1, 0)", "its id is out of range");
        assert_eq!(OnCorrupt::default().check(damaged()).unwrap_err().kind(), ErrorKind::Corrupt);
        assert!(OnCorrupt::Skip.check(damaged()).is_ok());
        assert!(OnCorrupt::Skip.check(Error::new(ErrorKind::Timeout, "no answer")).is_err());
        let message = damaged().to_string();
        assert!(message.contains("row (1, 0) in the stream of user 7"), "{message}");
    }
}

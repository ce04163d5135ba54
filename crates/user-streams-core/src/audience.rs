//! Many users served by one write.

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
};

use chrono::{DateTime, TimeZone};

use crate::{Error, ErrorKind, MAX_TEXT_ID_LEN, Result, UserId, time};

/// Everyone's stream among those of the audiences.
const EVERYONE: &str = "everyone";

/// The stream of what is retracted for all.
const RETRACTED: &str = "retracted";

/// What the streams of all others begin with.
const PREFIX: &str = "audience:";

/// Recipients that an item is stored for once, however many they are: [`everyone`], or those whom
/// the application reads [with it](crate::StreamItems::with_audiences). Switched on by the setting
/// [`audiences`](crate::Settings::with_audiences).
///
/// ```
/// # use user_streams_core::{Settings, Streams, audience, everyone};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let streams = Streams::connect(Settings::new("memory://").with_audiences(true)).await?;
/// streams.migrate().await?;
/// streams.add_stream_item(everyone(), "Maintenance on Sunday").await?;
/// streams.add_stream_item(audience("team:7"), "We have won").await?;
///
/// let items = streams.get_stream_items(42);
/// assert_eq!(items.count().await?, 1);
/// assert_eq!(items.with_audiences(["team:7"]).count().await?, 2);
/// # Ok::<(), user_streams_core::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Audience(String);

/// Every user, as recipients: one write, and the item is in each stream, also of those who come
/// later.
pub fn everyone() -> Audience {
    Audience(EVERYONE.to_owned())
}

/// The users that the application counts to this audience when it reads their streams, as
/// recipients. The name is any text without NUL, up to 240 bytes, compared byte for byte, such as
/// `team:7`. None is the same as [`everyone`].
pub fn audience(name: impl fmt::Display) -> Audience {
    Audience(format!("{PREFIX}{name}"))
}

/// Whose stream has what is retracted, in the feed of that.
pub(crate) fn retracted() -> Audience {
    Audience(RETRACTED.to_owned())
}

impl Audience {
    /// The longest name, in bytes.
    const MAX_LEN: usize = 240;

    /// For users who belong to it since an instant, such as the day on which they joined: of the
    /// audience's items they see those from then on.
    pub fn since<Tz: TimeZone>(self, instant: DateTime<Tz>) -> Membership {
        Membership { since: Some(time::micros(&instant)), audience: self }
    }

    /// The name, of any but everyone.
    fn name(&self) -> &str {
        self.0.strip_prefix(PREFIX).unwrap_or(&self.0)
    }

    pub(crate) fn check(&self) -> Result<()> {
        let name = self.name();
        let invalid = |why| {
            let message = format!("the name of an audience {why}");
            Err(Error::new(ErrorKind::InvalidArgument, message))
        };
        if name.len() > Self::MAX_LEN {
            return invalid(format!("has {} bytes: at most {} fit", name.len(), Self::MAX_LEN));
        }
        match name.contains('\0') {
            true => invalid("has a NUL character, which no backend can store".to_owned()),
            false => Ok(()),
        }
    }

    /// The streams that hold its items, all of them the same.
    pub(crate) fn copies(&self, copies: u8) -> impl Iterator<Item = UserId> {
        (0..copies.max(1)).map(|copy| self.copy(copy))
    }

    /// The one of them that a user reads.
    pub(crate) fn copy_of(&self, user: &UserId, copies: u8) -> UserId {
        let mut hasher = DefaultHasher::new();
        user.hash(&mut hasher);
        let copy = hasher.finish() % u64::from(copies.max(1));
        self.copy(u8::try_from(copy).unwrap_or_default())
    }

    /// Whose stream it is, and which of the copies. No name but that of a copy begins with a
    /// number.
    pub(crate) fn of_stream(stream: &UserId) -> Option<(Self, u8)> {
        let UserId::Text(stream) = stream else { return None };
        let copy = stream.split_once(':').and_then(|(copy, name)| Some((copy.parse().ok()?, name)));
        let (copy, name) = copy.unwrap_or((0, stream));
        Some((Self(name.to_owned()), copy))
    }

    /// One of them; the first is always there.
    pub(crate) fn copy(&self, copy: u8) -> UserId {
        UserId::Text(match copy {
            0 => self.0.clone(),
            copy => format!("{copy}:{}", self.0),
        })
    }
}

/// That a user belongs to an audience, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Membership {
    pub(crate) audience: Audience,
    /// In microseconds.
    pub(crate) since: Option<i64>,
}

impl From<Audience> for Membership {
    fn from(audience: Audience) -> Self {
        Self { audience, since: None }
    }
}

impl From<&str> for Membership {
    fn from(name: &str) -> Self {
        audience(name).into()
    }
}

impl From<String> for Membership {
    fn from(name: String) -> Self {
        audience(name).into()
    }
}

impl From<&String> for Membership {
    fn from(name: &String) -> Self {
        audience(name).into()
    }
}

// The longest name fits with its prefix and the number of a copy.
const _: () = assert!(Audience::MAX_LEN + PREFIX.len() + 6 <= MAX_TEXT_ID_LEN);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UserIdKind;

    #[test]
    fn no_audience_has_the_streams_of_another() {
        let audiences = [everyone(), audience("everyone"), audience("1:everyone"), audience("")];
        let mut streams: Vec<_> = audiences.iter().flat_map(|one| one.copies(3)).collect();
        streams.sort_unstable();
        streams.dedup();
        assert_eq!(streams.len(), 4 * 3);
        for stream in streams {
            stream.check(UserIdKind::Text).unwrap();
            let (audience, copy) = Audience::of_stream(&stream).unwrap();
            assert_eq!(audience.copy(copy), stream);
            assert!(audiences.contains(&audience) && copy < 3, "{stream}");
        }
    }

    #[test]
    fn a_user_reads_one_of_the_copies_and_users_read_all() {
        let one = audience("team:7");
        let copies: Vec<_> = one.copies(4).collect();
        let read: std::collections::HashSet<_> =
            (0..100).map(|user| one.copy_of(&UserId::Int(user), 4)).collect();
        assert_eq!(read.len(), 4);
        assert!(copies.iter().all(|copy| read.contains(copy)));
        assert_eq!(one.copy_of(&UserId::Int(1), 4), one.copy_of(&UserId::Int(1), 4));
    }

    #[test]
    fn the_longest_name_fits_into_every_copy_and_a_longer_one_is_refused() {
        let longest = audience("a".repeat(Audience::MAX_LEN));
        longest.check().unwrap();
        longest.copies(64).for_each(|copy| copy.check(UserIdKind::Text).unwrap());
        for bad in ["a".repeat(Audience::MAX_LEN + 1), "a\0".to_owned()] {
            let error = audience(bad).check().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.message().contains("audience"), "{error}");
        }
    }
}

//! Who a stream belongs to.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Error, ErrorKind, Result, error::excerpt};

/// The longest text id, in bytes of UTF-8: what every database can have in an index key.
pub const MAX_TEXT_ID_LEN: usize = 255;

/// The id of a user. Two different ids never share a stream: `"7"` and `"007"`, `"a"` and `"A"`,
/// `"a"` and `"a "` are different users on every backend.
///
/// Serialized it has its kind with it, so that it comes back as itself in every format:
/// `{"bigint": "42"}`, `{"uuid": "550e8400-e29b-41d4-a716-446655440000"}`, `{"text": "ann"}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum UserId {
    /// A 64-bit integer, such as a serial primary key. Serialized it is a string, since
    /// JavaScript's numbers end at 2^53.
    #[serde(rename = "bigint", with = "int_as_text")]
    Int(i64),
    /// A UUID.
    Uuid(Uuid),
    /// Any text without NUL, up to [`MAX_TEXT_ID_LEN`] bytes, compared byte for byte.
    Text(String),
}

/// The one kind of user id that a backend is configured for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum UserIdKind {
    /// [`UserId::Int`], the default.
    #[default]
    BigInt,
    /// [`UserId::Uuid`].
    Uuid,
    /// [`UserId::Text`].
    Text,
}

impl UserIdKind {
    /// The name of this kind in the settings: `bigint`, `uuid` or `text`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BigInt => "bigint",
            Self::Uuid => "uuid",
            Self::Text => "text",
        }
    }
}

/// An integer as its decimal text.
mod int_as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(id: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(id)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| D::Error::custom("expected a 64-bit integer as a string"))
    }
}

impl fmt::Display for UserIdKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl UserId {
    /// Some id of this kind.
    pub(crate) fn any(kind: UserIdKind) -> Self {
        match kind {
            UserIdKind::BigInt => Self::Int(0),
            UserIdKind::Uuid => Self::Uuid(Uuid::nil()),
            UserIdKind::Text => Self::Text(String::new()),
        }
    }

    /// The kind of this id.
    pub fn kind(&self) -> UserIdKind {
        match self {
            Self::Int(_) => UserIdKind::BigInt,
            Self::Uuid(_) => UserIdKind::Uuid,
            Self::Text(_) => UserIdKind::Text,
        }
    }

    /// Whether a backend configured for `kind` can take this id.
    ///
    /// # Errors
    /// `InvalidUserId` if it is of another kind, or a text with a NUL character or over
    /// [`MAX_TEXT_ID_LEN`] bytes.
    pub fn check(&self, kind: UserIdKind) -> Result<()> {
        let invalid = |message| Err(Error::new(ErrorKind::InvalidUserId, message));
        if self.kind() != kind {
            return invalid(format!(
                "user id {} is a {}, but this backend is configured for {kind} ids; \
                 pass a {kind}, or set `user_id = \"{}\"` in the backend's options",
                self.excerpt(),
                self.kind(),
                self.kind()
            ));
        }
        match self {
            Self::Text(text) if text.contains('\0') => invalid(format!(
                "user id {} has a NUL character, which no backend can store",
                self.excerpt()
            )),
            Self::Text(text) if text.len() > MAX_TEXT_ID_LEN => invalid(format!(
                "a user id of {} bytes is too long: at most {MAX_TEXT_ID_LEN} bytes fit into an \
                 index",
                text.len()
            )),
            _ => Ok(()),
        }
    }
}

impl UserId {
    /// The id, or the beginning of a long one.
    fn excerpt(&self) -> String {
        match self {
            Self::Text(text) => format!("{:?}", excerpt(text)),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(id) => id.fmt(f),
            Self::Uuid(id) => id.fmt(f),
            // Quoted, so that blanks and control characters are seen in an error message.
            Self::Text(id) => write!(f, "{id:?}"),
        }
    }
}

/// Anything that names a user: an id, or an application's own user type.
///
/// ```
/// use user_streams_core::{ToUserId, UserId};
///
/// struct User {
///     id: i64,
/// }
///
/// impl ToUserId for User {
///     fn to_user_id(&self) -> UserId {
///         UserId::Int(self.id)
///     }
/// }
/// # assert_eq!((&User { id: 7 }).to_user_id(), UserId::Int(7));
/// ```
pub trait ToUserId {
    /// The id of this user.
    fn to_user_id(&self) -> UserId;
}

macro_rules! int_ids {
    ($($int:ty),*) => {$(
        impl ToUserId for $int {
            fn to_user_id(&self) -> UserId {
                UserId::Int(i64::from(*self))
            }
        }

        impl From<$int> for UserId {
            fn from(id: $int) -> Self {
                Self::Int(id.into())
            }
        }
    )*};
}
int_ids!(i8, i16, i32, i64, u8, u16, u32);

impl ToUserId for UserId {
    fn to_user_id(&self) -> UserId {
        self.clone()
    }
}

impl ToUserId for Uuid {
    fn to_user_id(&self) -> UserId {
        UserId::Uuid(*self)
    }
}

impl ToUserId for str {
    fn to_user_id(&self) -> UserId {
        UserId::Text(self.to_owned())
    }
}

impl ToUserId for String {
    fn to_user_id(&self) -> UserId {
        self.as_str().to_user_id()
    }
}

impl<T: ToUserId + ?Sized> ToUserId for &T {
    fn to_user_id(&self) -> UserId {
        T::to_user_id(self)
    }
}

impl<T: ToUserId + ?Sized> ToUserId for Arc<T> {
    fn to_user_id(&self) -> UserId {
        T::to_user_id(self)
    }
}

impl<T: ToUserId + ?Sized> ToUserId for Box<T> {
    fn to_user_id(&self) -> UserId {
        T::to_user_id(self)
    }
}

impl From<Uuid> for UserId {
    fn from(id: Uuid) -> Self {
        Self::Uuid(id)
    }
}

impl From<&str> for UserId {
    fn from(id: &str) -> Self {
        Self::Text(id.to_owned())
    }
}

impl From<String> for UserId {
    fn from(id: String) -> Self {
        Self::Text(id)
    }
}

impl TryFrom<u64> for UserId {
    type Error = Error;

    fn try_from(id: u64) -> Result<Self> {
        i64::try_from(id).map(Self::Int).map_err(|_| {
            Error::new(
                ErrorKind::InvalidUserId,
                format!("user id {id} is over {}, the largest id", i64::MAX),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_kind_is_refused_with_both_kinds_named() {
        let message = UserId::from("7").check(UserIdKind::BigInt).unwrap_err().to_string();
        assert!(
            message.contains("\"7\" is a text") && message.contains("configured for bigint"),
            "{message}"
        );
    }

    #[test]
    fn no_error_echoes_a_long_id() {
        let long = UserId::Text("a".repeat(5_000_000));
        let nul = UserId::Text("\0".repeat(5_000_000));
        for (id, kind) in
            [(&long, UserIdKind::BigInt), (&long, UserIdKind::Text), (&nul, UserIdKind::Text)]
        {
            let error = id.check(kind).unwrap_err();
            assert!(error.message().len() < 400, "{} bytes", error.message().len());
        }
    }

    #[test]
    fn text_ids_are_limited_in_bytes() {
        assert!(UserId::Text("é".repeat(127)).check(UserIdKind::Text).is_ok());
        assert!(UserId::Text("é".repeat(128)).check(UserIdKind::Text).is_err());
        assert!(UserId::from("a\0").check(UserIdKind::Text).is_err());
    }

    #[test]
    fn every_kind_comes_back_as_itself_from_every_format() {
        let uuid = "550e8400-e29b-41d4-a716-446655440000";
        for (id, json) in [
            (UserId::Int(i64::MIN), r#"{"bigint":"-9223372036854775808"}"#.to_owned()),
            (UserId::Uuid(uuid.parse().unwrap()), format!(r#"{{"uuid":"{uuid}"}}"#)),
            (UserId::from(uuid), format!(r#"{{"text":"{uuid}"}}"#)),
            (UserId::from("7"), r#"{"text":"7"}"#.to_owned()),
        ] {
            assert_eq!(serde_json::to_string(&id).unwrap(), json);
            assert_eq!(serde_json::from_str::<UserId>(&json).unwrap(), id);
            // A format that does not describe itself.
            let bytes = postcard::to_allocvec(&id).unwrap();
            assert_eq!(postcard::from_bytes::<UserId>(&bytes).unwrap(), id);
        }
        for bad in ["7", r#""7""#, r#"{"bigint":7}"#, r#"{"bigint":"9223372036854775808"}"#] {
            assert!(serde_json::from_str::<UserId>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn unsigned_ids_convert_when_they_fit() {
        assert_eq!(UserId::try_from(7_u64).unwrap(), UserId::Int(7));
        assert!(UserId::try_from(u64::MAX).is_err());
    }
}

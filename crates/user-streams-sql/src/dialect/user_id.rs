//! A user id as the databases store it.

use user_streams_core::UserId;
use uuid::Uuid;

/// A borrowed user id. The only place that distinguishes the ids of core.
pub(crate) enum StoredId<'a> {
    Int(i64),
    Uuid(Uuid),
    Text(&'a str),
}

impl<'a> From<&'a UserId> for StoredId<'a> {
    fn from(user: &'a UserId) -> Self {
        match user {
            UserId::Int(id) => Self::Int(*id),
            UserId::Uuid(id) => Self::Uuid(*id),
            UserId::Text(id) => Self::Text(id),
        }
    }
}

//! User ids as bound values.

use std::fmt::Write as _;

use sea_orm::{Value, sea_query::ArrayType};
use user_streams_core::{Name, UserId, UserIdKind};
use uuid::Uuid;

use crate::Dialect;

/// A user id as the databases store it: the only place that distinguishes the ids of core.
pub(crate) enum StoredId<'a> {
    Int(i64),
    Uuid(Uuid),
    Text(&'a str),
    /// An id of a kind that a later core has, and that the schema refuses: no key can be NULL.
    Null,
}

impl<'a> From<&'a UserId> for StoredId<'a> {
    fn from(user: &'a UserId) -> Self {
        match user {
            UserId::Int(id) => Self::Int(*id),
            UserId::Uuid(id) => Self::Uuid(*id),
            UserId::Text(id) => Self::Text(id),
            _ => Self::Null,
        }
    }
}

/// One user id.
pub(crate) fn user(dialect: Dialect, user: &UserId) -> Value {
    match StoredId::from(user) {
        StoredId::Int(id) => id.into(),
        StoredId::Uuid(id) => id.into(),
        StoredId::Text(id) if dialect == Dialect::MySql => id.as_bytes().into(),
        StoredId::Text(id) => id.into(),
        StoredId::Null => Value::String(None),
    }
}

/// Nobody's id, which equals none: where a statement has room for more users than there are.
pub(crate) fn nobody(dialect: Dialect, kind: UserIdKind) -> Value {
    match kind {
        UserIdKind::BigInt => Value::BigInt(None),
        UserIdKind::Uuid => Value::Uuid(None),
        _ if dialect == Dialect::MySql => Value::Bytes(None),
        _ => Value::String(None),
    }
}

/// Any number of user ids in one parameter, so that one prepared statement serves every chunk: an
/// array on PostgreSQL, JSON elsewhere.
pub(crate) fn users(dialect: Dialect, kind: UserIdKind, users: &[UserId]) -> Value {
    if dialect == Dialect::Postgres {
        let values = users.iter().map(|id| user(dialect, id)).collect();
        return Value::Array(array_type(kind), Some(Box::new(values)));
    }
    let mut json = String::with_capacity(users.len() * 12 + 2);
    json.push('[');
    for (index, user) in users.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        push_json_id(&mut json, dialect, user);
    }
    json.push(']');
    json.into()
}

/// In JSON a UUID is in hexadecimal, and so is a text on MySQL, to avoid conversions of its
/// character set.
pub(super) fn push_json_id(json: &mut String, dialect: Dialect, user: &UserId) {
    // Writing to a string cannot fail.
    let _ = match StoredId::from(user) {
        StoredId::Int(id) => write!(json, "{id}"),
        StoredId::Uuid(id) => write!(json, "\"{}\"", id.simple()),
        StoredId::Text(id) if dialect == Dialect::MySql => {
            write!(json, "\"{}\"", Hex(id.as_bytes()))
        }
        StoredId::Text(id) => write!(json, "{}", serde_json::Value::from(id)),
        StoredId::Null => write!(json, "null"),
    };
}

/// The type of an array of user ids, on PostgreSQL.
pub(super) fn array_type(kind: UserIdKind) -> ArrayType {
    match kind {
        UserIdKind::BigInt => ArrayType::BigInt,
        UserIdKind::Uuid => ArrayType::Uuid,
        _ => ArrayType::String,
    }
}

/// The name of a mark.
pub(crate) fn name(dialect: Dialect, name: &Name) -> Value {
    match dialect {
        Dialect::MySql => name.as_str().as_bytes().into(),
        _ => name.as_str().into(),
    }
}

/// A place that rows are compared with: `created_at_us, id`, on MySQL the first one twice.
pub(crate) fn keyset(dialect: Dialect, (at, id): (i64, i64)) -> Vec<Value> {
    let mut values = vec![at.into(); if dialect == Dialect::MySql { 2 } else { 1 }];
    values.push(id.into());
    values
}

/// Bytes in hexadecimal.
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl std::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_become_one_json_parameter() {
        let json = |dialect, ids: &[UserId]| match users(dialect, UserIdKind::Text, ids) {
            Value::String(Some(json)) => json,
            other => panic!("{other:?}"),
        };
        assert_eq!(json(Dialect::Sqlite, &[UserId::Int(-1), UserId::Int(2)]), "[-1,2]");
        assert_eq!(json(Dialect::Sqlite, &[UserId::from("a\"\n☃")]), "[\"a\\\"\\n☃\"]");
        assert_eq!(json(Dialect::MySql, &[UserId::from("a☃")]), "[\"61e29883\"]");
        assert_eq!(
            json(Dialect::MySql, &[UserId::Uuid(uuid::Uuid::nil())]),
            format!("[\"{}\"]", "0".repeat(32))
        );
    }
}

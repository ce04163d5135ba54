//! Rows of several columns as bound values.

use sea_orm::Value;
use user_streams_core::{UserId, UserIdKind};

use super::values::{array_type, push_json_id, user};
use crate::Dialect;

/// A row of a table of deliveries or of items, or a key of one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) user: Option<&'a UserId>,
    pub(crate) created_at_us: i64,
    pub(crate) id: i64,
    pub(crate) content: Option<&'a str>,
}

impl Row<'_> {
    /// Each column as a value, in the order of the fields.
    pub(crate) fn values(&self, dialect: Dialect) -> impl Iterator<Item = Value> {
        let key = [self.created_at_us.into(), self.id.into()];
        let user = self.user.map(|id| user(dialect, id));
        user.into_iter().chain(key).chain(self.content.map(Value::from))
    }

    /// About how many bytes it has as a value.
    pub(crate) fn size(&self) -> usize {
        // Two numbers with what separates them, the longest of the ids that are not texts, and a
        // text in hexadecimal.
        let user = self.user.map_or(0, |user| match user {
            UserId::Text(id) => id.len() * 2,
            _ => 36,
        });
        let escaped = |byte: u8| match byte {
            b'"' | b'\\' => 2,
            0..0x20 => 6,
            _ => 1,
        };
        48 + user + self.content.map_or(0, |content| content.bytes().map(escaped).sum())
    }

    /// All rows as parameters: an array for each column on PostgreSQL, JSON elsewhere.
    pub(crate) fn source(dialect: Dialect, kind: UserIdKind, rows: &[Row<'_>]) -> Vec<Value> {
        if dialect == Dialect::Postgres { arrays(kind, rows) } else { vec![json(dialect, rows)] }
    }
}

/// The keys `(created_at_us, id)` of items as parameters.
pub(crate) fn item_keys(dialect: Dialect, keys: &[(i64, i64)]) -> Vec<Value> {
    let row = |(created_at_us, id): &(i64, i64)| Row {
        user: None,
        created_at_us: *created_at_us,
        id: *id,
        content: None,
    };
    let rows: Vec<_> = keys.iter().map(row).collect();
    Row::source(dialect, UserIdKind::BigInt, &rows)
}

fn arrays(kind: UserIdKind, rows: &[Row<'_>]) -> Vec<Value> {
    let mut values = Vec::new();
    let users: Vec<_> =
        rows.iter().filter_map(|row| row.user.map(|id| user(Dialect::Postgres, id))).collect();
    if !users.is_empty() {
        values.push(Value::Array(array_type(kind), Some(Box::new(users))));
    }
    values.push(rows.iter().map(|row| row.created_at_us).collect::<Vec<_>>().into());
    values.push(rows.iter().map(|row| row.id).collect::<Vec<_>>().into());
    let contents: Vec<_> =
        rows.iter().filter_map(|row| row.content.map(ToOwned::to_owned)).collect();
    if !contents.is_empty() {
        values.push(contents.into());
    }
    values
}

fn json(dialect: Dialect, rows: &[Row<'_>]) -> Value {
    let mut json = String::with_capacity(rows.iter().map(Row::size).sum());
    json.push('[');
    for (index, row) in rows.iter().enumerate() {
        json.push_str(if index > 0 { ",[" } else { "[" });
        if let Some(user) = row.user {
            push_json_id(&mut json, dialect, user);
            json.push(',');
        }
        json.push_str(&format!("{},{}", row.created_at_us, row.id));
        if let Some(content) = row.content {
            json.push(',');
            json.push_str(&serde_json::Value::from(content).to_string());
        }
        json.push(']');
    }
    json.push(']');
    json.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_arrays_or_json() {
        let user = UserId::from("a\"");
        let row = Row { user: Some(&user), created_at_us: -1, id: 2, content: Some("☃\n") };
        let source = |dialect, row| Row::source(dialect, UserIdKind::Text, &[row]);
        assert_eq!(source(Dialect::Sqlite, row), ["[[\"a\\\"\",-1,2,\"☃\\n\"]]".into()]);
        assert_eq!(source(Dialect::MySql, row), ["[[\"6122\",-1,2,\"☃\\n\"]]".into()]);
        assert_eq!(source(Dialect::Postgres, row).len(), 4);
        let key = Row { user: None, content: None, ..row };
        assert_eq!(source(Dialect::Postgres, key), [vec![-1_i64].into(), vec![2_i64].into()]);
        assert_eq!(source(Dialect::Sqlite, key), ["[[-1,2]]".into()]);
    }
}

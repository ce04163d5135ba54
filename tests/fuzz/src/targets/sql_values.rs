//! How values become parts of statements, read back by decoders that are written from the formats'
//! own documentation.

use arbitrary::{Result, Unstructured};
use user_streams_core::{UserId, UserIdKind};
use user_streams_sql::{Dialect, fuzz, sea_orm::Value};
use uuid::Uuid;

use super::input;
use crate::{outcome::Outcome, target::Target};

pub(super) fn targets() -> Vec<Target> {
    let target = |name, check: fn(&mut Unstructured<'_>) -> Result<Outcome>| {
        let words = ["'", "\"", "\\", "`", "$1", "${", "--", "/*", ";", "\u{1}"];
        Target::of_bytes(name, input::seeds(), &words, move |bytes| {
            check(&mut Unstructured::new(bytes)).unwrap_or_else(|_| Outcome::unreadable("short"))
        })
    };
    vec![
        target("sql/copy", copy),
        target("sql/postgres-literals", postgres_literals),
        target("sql/mysql-script", mysql_script),
        target("sql/user-ids", user_ids),
        target("sql/identifiers", identifiers),
    ]
}

/// PostgreSQL's binary COPY: <https://www.postgresql.org/docs/current/sql-copy.html>.
fn copy(u: &mut Unstructured<'_>) -> Result<Outcome> {
    let kind = input::kind(u)?;
    let mut users = input::user_ids(u, kind)?;
    if u.int_in_range(0..=200)? == 200 {
        // Several blocks.
        users = vec![users; 200].concat();
    }
    let item = input::item(u)?;
    let content = if u.arbitrary()? { Some(item.content()) } else { None };
    let bytes = fuzz::copy(&users, &item, content);

    let mut rest = Bytes(&bytes);
    assert_eq!(rest.take(11), b"PGCOPY\n\xff\r\n\0");
    assert_eq!((rest.i32(), rest.i32()), (0, 0), "flags and the length of the extension");
    let rows: Vec<_> = std::iter::from_fn(|| {
        let columns = rest.i16();
        (columns != -1).then(|| (0..columns).map(|_| rest.field()).collect::<Vec<_>>())
    })
    .collect();
    assert!(rest.0.is_empty(), "nothing follows the trailer");
    assert_eq!(rows.len(), users.len());
    for (row, user) in rows.iter().zip(&users) {
        assert_eq!(row[0], stored(user));
        assert_eq!(row[1], item.created_at_us().to_be_bytes());
        assert_eq!(row[2], item.id().get().to_be_bytes());
        assert_eq!(row.get(3).copied(), content.map(str::as_bytes));
        assert_eq!(row.len(), 3 + usize::from(content.is_some()));
    }
    Ok(Outcome::accepted((kind, users.len(), content.is_some())))
}

/// A user id as PostgreSQL's binary formats have it.
fn stored(user: &UserId) -> Vec<u8> {
    match user {
        UserId::Int(id) => id.to_be_bytes().to_vec(),
        UserId::Uuid(id) => id.as_bytes().to_vec(),
        UserId::Text(id) => id.as_bytes().to_vec(),
        _ => Vec::new(),
    }
}

/// Bytes that are read from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len);
        self.0 = rest;
        taken
    }

    fn i16(&mut self) -> i16 {
        i16::from_be_bytes(self.take(2).try_into().expect("two bytes"))
    }

    fn i32(&mut self) -> i32 {
        i32::from_be_bytes(self.take(4).try_into().expect("four bytes"))
    }

    fn field(&mut self) -> &'a [u8] {
        let len = self.i32();
        self.take(usize::try_from(len).expect("no field is NULL"))
    }
}

/// A statement of pieces with values between them, each at its place.
fn postgres_literals(u: &mut Unstructured<'_>) -> Result<Outcome> {
    const PIECES: [&str; 7] = [
        "SELECT ",
        ", ",
        " FROM \"a$1\"\"b'\" WHERE ",
        " = '$1 it''s' AND ",
        "unnest(",
        "::bigint[]) ☃ ",
        "\"'\" + '\"' + ",
    ];
    let values = values(u)?;
    let mut sql = String::new();
    let mut expected = Vec::new();
    for _ in 0..u.int_in_range(1..=6)? {
        let piece = *u.choose(&PIECES)?;
        sql += piece;
        expected.push((piece, None));
        if !values.is_empty() {
            let index = u.choose_index(values.len())?;
            sql += &format!("${} ", index + 1);
            expected.push((" ", Some(&values[index])));
        }
    }
    let text = fuzz::postgres_literals(&sql, &values).expect("short, and of known types");
    let mut rest = &*text;
    for (piece, value) in expected {
        if let Some(value) = value {
            rest = take_postgres(rest, value);
        }
        rest = rest.strip_prefix(piece).expect(piece);
    }
    assert_eq!(rest, "", "{text}");
    Ok(Outcome::accepted(values.iter().map(std::mem::discriminant).collect::<Vec<_>>()))
}

/// Up to 4 values of the types that the library's own statements have.
fn values(u: &mut Unstructured<'_>) -> Result<Vec<Value>> {
    let len = u.int_in_range(0..=4)?;
    (0..len)
        .map(|_| {
            Ok(match u.int_in_range(0..=4)? {
                0 => u.arbitrary::<i64>()?.into(),
                1 => Uuid::from_bytes(u.arbitrary()?).into(),
                2 => input::text(u)?.into(),
                _ => {
                    let kind = input::kind(u)?;
                    fuzz::users(Dialect::Postgres, kind, &input::user_ids(u, kind)?)
                }
            })
        })
        .collect()
}

/// What follows the literal of a value.
fn take_postgres<'a>(text: &'a str, value: &Value) -> &'a str {
    match value {
        Value::BigInt(Some(number)) => {
            let (found, rest) = quoted(text);
            assert_eq!(found, number.to_string());
            strip(rest, "::bigint")
        }
        Value::Uuid(Some(id)) => {
            let (found, rest) = quoted(text);
            assert_eq!(found, id.to_string());
            strip(rest, "::uuid")
        }
        Value::String(Some(expected)) => {
            let (found, rest) = quoted(strip(text, "convert_from(decode("));
            assert_eq!(unhex(found), expected.as_bytes());
            strip(rest, ", 'hex'), 'UTF8')")
        }
        Value::Array(_, Some(values)) => take_array(text, values),
        other => panic!("{other:?}"),
    }
}

fn take_array<'a>(text: &'a str, values: &[Value]) -> &'a str {
    let Some(mut rest) = text.strip_prefix("ARRAY[") else {
        let (found, rest) = quoted(text);
        let found = strip(found, "{").strip_suffix('}').expect("a brace");
        let expected: Vec<_> = values
            .iter()
            .map(|value| match value {
                Value::BigInt(Some(number)) => number.to_string(),
                Value::Uuid(Some(id)) => id.to_string(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(found, expected.join(","));
        let is_typed = |kind| rest.strip_prefix(kind);
        return is_typed("::bigint[]").or_else(|| is_typed("::uuid[]")).expect("a type");
    };
    for (index, value) in values.iter().enumerate() {
        rest = take_postgres(if index == 0 { rest } else { strip(rest, ",") }, value);
    }
    strip(rest, "]::text[]")
}

/// A text in single quotes, which has neither a quote nor a backslash in it, and what follows.
fn quoted(text: &str) -> (&str, &str) {
    let (found, rest) = strip(text, "'").split_once('\'').expect("the end of a quoted text");
    assert!(!found.contains('\\'), "{found}");
    (found, rest)
}

fn strip<'a>(text: &'a str, prefix: &str) -> &'a str {
    text.strip_prefix(prefix).unwrap_or_else(|| panic!("expected {prefix} in {text}"))
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2).map(|digits| std::str::from_utf8(digits).expect("hex"));
    digits.map(|digits| u8::from_str_radix(digits, 16).expect("hexadecimal")).collect()
}

/// MySQL: the statement and its values in variables.
fn mysql_script(u: &mut Unstructured<'_>) -> Result<Outcome> {
    let sql = input::text(u)?;
    let len = u.int_in_range(0..=5)?;
    let values: Vec<Value> = (0..len)
        .map(|_| {
            Ok(match u.int_in_range(0..=6)? {
                0 => u.arbitrary::<i64>()?.into(),
                1 => Uuid::from_bytes(u.arbitrary()?).into(),
                2 => input::text(u)?.into_bytes().into(),
                3 => u.arbitrary::<bool>()?.into(),
                4 => Value::String(None),
                5 => serde_json::Value::from(input::text(u)?).into(),
                _ => input::text(u)?.into(),
            })
        })
        .collect::<Result<_>>()?;
    let script = fuzz::mysql_script(&sql, &values);
    assert!(script.is_ascii(), "{script}");

    let (assigned, end) = script.split_once("; PREPARE user_streams FROM").expect("a PREPARE");
    let mut assigned = strip(assigned, "SET @user_streams_sql = ").split(", @user_streams_");
    assert_eq!(unconverted(assigned.next().expect("the statement")), sql.as_bytes());
    for (number, (found, value)) in assigned.by_ref().zip(&values).enumerate() {
        let found = strip(found, &format!("{number} = "));
        match value {
            Value::BigInt(Some(number)) => assert_eq!(found, number.to_string()),
            Value::Bool(Some(value)) => assert_eq!(found, if *value { "TRUE" } else { "FALSE" }),
            Value::Uuid(Some(id)) => assert_eq!(hexadecimal(found), id.as_bytes()),
            Value::Bytes(Some(bytes)) => assert_eq!(hexadecimal(found), *bytes),
            Value::String(Some(text)) => assert_eq!(unconverted(found), text.as_bytes()),
            Value::Json(Some(json)) => {
                let found = unconverted(found);
                assert_eq!(serde_json::from_slice(&found).ok().as_ref(), Some(&**json));
            }
            _ => assert_eq!(found, "NULL"),
        }
    }
    assert_eq!(assigned.next(), None);
    let uses = end.matches("@user_streams_").count();
    assert_eq!(uses, 1 + 2 * values.len(), "used and cleared: {end}");
    Ok(Outcome::accepted(values.iter().map(std::mem::discriminant).collect::<Vec<_>>()))
}

fn unconverted(text: &str) -> Vec<u8> {
    let inner = strip(text, "CONVERT(").strip_suffix(" USING utf8mb4)");
    hexadecimal(inner.expect("a conversion"))
}

fn hexadecimal(text: &str) -> Vec<u8> {
    unhex(strip(text, "X'").strip_suffix('\'').expect("the end of a literal"))
}

/// Ids in one parameter: JSON on SQLite and MySQL, an array on PostgreSQL.
fn user_ids(u: &mut Unstructured<'_>) -> Result<Outcome> {
    let kind = input::kind(u)?;
    let users = input::user_ids(u, kind)?;
    for dialect in [Dialect::Sqlite, Dialect::MySql] {
        let Value::String(Some(json)) = fuzz::users(dialect, kind, &users) else {
            panic!("no JSON")
        };
        let values: Vec<serde_json::Value> = serde_json::from_str(&json).expect("an array");
        let read: Vec<_> = values.iter().map(|value| read_json(dialect, kind, value)).collect();
        assert_eq!(read, users, "{json}");
    }
    let Value::Array(_, Some(values)) = fuzz::users(Dialect::Postgres, kind, &users) else {
        panic!("no array")
    };
    let read: Vec<_> = values
        .iter()
        .map(|value| match value {
            Value::BigInt(Some(id)) => UserId::Int(*id),
            Value::Uuid(Some(id)) => UserId::Uuid(*id),
            Value::String(Some(id)) => UserId::Text(id.clone()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(read, users);
    Ok(Outcome::accepted((kind, users.len())))
}

/// As `json_each` and `JSON_TABLE` read it.
fn read_json(dialect: Dialect, kind: UserIdKind, value: &serde_json::Value) -> UserId {
    match kind {
        UserIdKind::BigInt => UserId::Int(value.as_i64().expect("an integer")),
        UserIdKind::Uuid => {
            let bytes = unhex(value.as_str().expect("a text"));
            UserId::Uuid(Uuid::from_slice(&bytes).expect("16 bytes"))
        }
        _ if dialect == Dialect::MySql => {
            let bytes = unhex(value.as_str().expect("a text"));
            UserId::Text(String::from_utf8(bytes).expect("UTF-8"))
        }
        _ => UserId::Text(value.as_str().expect("a text").to_owned()),
    }
}

/// A quoted identifier ends where it should, and is itself without the quotes.
fn identifiers(u: &mut Unstructured<'_>) -> Result<Outcome> {
    let name = input::text(u)?;
    for (dialect, mark) in [(Dialect::Sqlite, '"'), (Dialect::Postgres, '"'), (Dialect::MySql, '`')]
    {
        let quoted = dialect.quote(&name);
        let mut chars = quoted.chars();
        assert_eq!((chars.next(), chars.next_back()), (Some(mark), Some(mark)));
        let mut read = String::new();
        while let Some(c) = chars.next() {
            assert!(c != mark || chars.next() == Some(mark), "{quoted} ends early");
            read.push(c);
        }
        assert_eq!(read, name);
    }
    Ok(Outcome::accepted((name.len(), name.matches(['"', '`']).count())))
}

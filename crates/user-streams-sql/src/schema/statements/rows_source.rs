//! Rows in bound parameters.

use user_streams_core::UserIdKind;

use crate::{Dialect, dialect::Params};

/// A derived table `k` of [rows](crate::dialect::Row) in bound parameters: their number `n`, from 1
/// on, `created_at_us` and `id`; `uid` if they have a user, of this kind, and `content` if they
/// have one.
pub(super) fn rows_source(
    dialect: Dialect,
    user: Option<UserIdKind>,
    content: bool,
    params: &mut Params,
) -> String {
    let mut columns = Vec::new();
    if let Some(kind) = user {
        columns.push(("uid", dialect.uid_type(kind)));
    }
    columns.extend([("created_at_us", "bigint"), ("id", "bigint")]);
    if content {
        columns.push(("content", "text"));
    }
    let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
    let is_hex = match dialect {
        Dialect::Sqlite => user == Some(UserIdKind::Uuid),
        Dialect::Postgres => false,
        Dialect::MySql => user.is_some_and(|kind| kind != UserIdKind::BigInt),
    };
    match dialect {
        Dialect::Sqlite => {
            let column = |(at, name): (usize, &&str)| match *name {
                "uid" if is_hex => format!("unhex(value ->> {at}) AS uid"),
                name => format!("value ->> {at} AS {name}"),
            };
            let columns: Vec<_> = names.iter().enumerate().map(column).collect();
            format!(
                "(SELECT key + 1 AS n, {} FROM json_each({})) AS k",
                columns.join(", "),
                params.next()
            )
        }
        Dialect::Postgres => {
            let arrays = columns.iter().map(|(_, kind)| format!("{}::{kind}[]", params.next()));
            let arrays: Vec<_> = arrays.collect();
            format!("unnest({}) WITH ORDINALITY AS k({}, n)", arrays.join(", "), names.join(", "))
        }
        Dialect::MySql => {
            let column = |(at, (name, kind)): (usize, &(&str, &str))| match *name {
                // Without the last words a content that is too long would become NULL.
                "content" => format!(
                    "content {} PATH '$[{at}]' ERROR ON ERROR",
                    "MEDIUMTEXT CHARACTER SET utf8mb4"
                ),
                name => format!("{name} {kind} PATH '$[{at}]'"),
            };
            let paths: Vec<_> = columns.iter().enumerate().map(column).collect();
            let table = format!(
                "JSON_TABLE({}, '$[*]' COLUMNS(n FOR ORDINALITY, {}))",
                params.next(),
                paths.join(", ")
            );
            if is_hex {
                let names = names.join(", ").replacen("uid", "UNHEX(uid) AS uid", 1);
                format!("(SELECT n, {names} FROM {table} AS j) AS k")
            } else {
                format!("{table} AS k")
            }
        }
    }
}

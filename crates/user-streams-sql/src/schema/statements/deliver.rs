//! Delivering an item: to one user, to a list, or to the users of a query.

use super::item_params::ItemParams;
use crate::{Dialect, Schema, dialect::Params};

/// Delivery to one user. Parameters: `created_at_us, id, [content,] user`. Has no effect if the
/// user has the item; on MySQL, whose IGNORE would hide every other error too, that is a unique
/// violation.
pub(super) fn deliver_one(dialect: Dialect, table: &str, has_content: bool) -> String {
    let mut params = Params::after(dialect, 0);
    let item = ItemParams::new(&mut params, has_content);
    let columns = item.columns();
    let values = [Some(item.at), Some(item.id), item.content, Some(params.next())];
    let values: Vec<_> = values.into_iter().flatten().collect();
    let on_conflict = if dialect == Dialect::MySql { "" } else { " ON CONFLICT DO NOTHING" };
    format!("INSERT INTO {table} ({columns}, user_id) VALUES ({}){on_conflict}", values.join(", "))
}

/// Delivery to any number of users by one statement: those of the derived table `u(uid)`.
#[derive(Debug)]
pub(crate) struct DeliverStatements {
    /// Fails if one of them has the item already or occurs twice. On PostgreSQL it takes half the
    /// time of `insert_missing`, which looks before it inserts. None on SQLite, which looks anyway.
    pub(crate) insert: Option<String>,
    /// COPY of rows `user, created_at_us, id, [content]`, with the same failures; on PostgreSQL.
    pub(crate) copy: Option<String>,
    /// Delivers to those who do not have the item yet.
    pub(crate) insert_missing: String,
    /// The same, if the database can do it without an error when somebody has the item.
    pub(crate) insert_ignore: Option<String>,
}

/// Delivery to a list. Parameters: `created_at_us, id, [content,] users`.
pub(super) fn deliver_many(schema: &Schema, table: &str, has_content: bool) -> DeliverStatements {
    let dialect = schema.dialect;
    let mut params = Params::after(dialect, 0);
    let item = ItemParams::new(&mut params, has_content);
    let source = dialect.users_source(schema.user_id, &params.next());
    let mut statements = DeliverStatements::new(dialect, table, "", &item, &source, "TRUE");
    // The primary key is the only error that MySQL's IGNORE can hide for a list of valid ids,
    // unless there is a foreign key.
    if dialect == Dialect::MySql && schema.users.is_none() {
        let insert = statements.insert.as_ref();
        statements.insert_ignore = insert.map(|sql| sql.replacen("INSERT", "INSERT IGNORE", 1));
    }
    statements
}

/// Delivery to the rows of `select`. Parameters: `param_count` of `select`, then
/// `created_at_us, id, [content]`.
pub(super) fn deliver_query(
    schema: &Schema,
    table: &str,
    has_content: bool,
    select: &str,
    param_count: usize,
) -> DeliverStatements {
    let mut params = Params::after(schema.dialect, param_count);
    let item = ItemParams::new(&mut params, has_content);
    let source = schema.dialect.targets_source(schema.user_id);
    let with = format!("WITH targets(uid) AS ({select}) ");
    DeliverStatements::new(schema.dialect, table, &with, &item, source, "u.uid IS NOT NULL")
}

impl DeliverStatements {
    /// To the users of `source` that satisfy `condition`.
    fn new(
        dialect: Dialect,
        table: &str,
        with: &str,
        item: &ItemParams,
        source: &str,
        condition: &str,
    ) -> Self {
        let ItemParams { at, id, content } = item;
        let columns = item.columns();
        let typed = |param: &String, name: &str| match (dialect, name) {
            (Dialect::Sqlite, _) | (Dialect::MySql, "text") => param.clone(),
            (Dialect::Postgres, _) => format!("{param}::{name}"),
            (Dialect::MySql, _) => format!("CAST({param} AS SIGNED)"),
        };
        let (at, id) = (typed(at, "bigint"), typed(id, "bigint"));
        let content = content
            .as_ref()
            .map_or_else(String::new, |content| format!(", {}", typed(content, "text")));
        let insert = format!(
            "INSERT INTO {table} (user_id, {columns}) {with}SELECT u.uid, {at}, {id}{content} FROM \
             {source} WHERE {condition}"
        );
        match dialect {
            Dialect::Sqlite => {
                let insert_missing = format!("{insert} ON CONFLICT DO NOTHING");
                let insert_ignore = Some(insert_missing.clone());
                Self { insert: None, copy: None, insert_missing, insert_ignore }
            }
            Dialect::Postgres => {
                let insert_missing = format!("{insert} ON CONFLICT DO NOTHING");
                Self {
                    copy: Some(format!(
                        "COPY {table} (user_id, {columns}) FROM STDIN (FORMAT binary)"
                    )),
                    insert_ignore: Some(insert_missing.clone()),
                    insert_missing,
                    insert: Some(insert),
                }
            }
            // ON DUPLICATE KEY would count existing rows as inserted, and IGNORE would hide every
            // other error; so existing rows are excluded by a condition. Each parameter occurs
            // once, in the same order.
            Dialect::MySql => {
                let (content, selected) = if content.is_empty() {
                    (content, "")
                } else {
                    (format!("{content} AS content"), ", p.content")
                };
                let insert_missing = format!(
                    "INSERT INTO {table} (user_id, {columns}) {with}SELECT u.uid, p.created_at_us, \
                     p.id{selected} \
                     FROM (SELECT {at} AS created_at_us, {id} AS id{content}) AS p CROSS JOIN \
                     {source} \
                     WHERE {condition} AND NOT EXISTS (SELECT 1 FROM {table} AS e \
                     WHERE e.user_id = u.uid AND e.created_at_us = p.created_at_us AND e.id = p.id)"
                );
                Self { insert: Some(insert), copy: None, insert_missing, insert_ignore: None }
            }
        }
    }
}

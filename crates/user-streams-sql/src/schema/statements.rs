//! The text of every statement, made once when a backend is made, so that each is prepared once per
//! connection.

use user_streams_core::UserIdKind;

use crate::{Dialect, Layout, Schema, dialect::Params};

/// The statements of one backend. The comment on each has its parameters.
#[derive(Debug)]
pub(crate) struct Statements {
    pub(crate) items: Option<ItemStatements>,
    /// `created_at_us, id, [content,] user`
    pub(crate) deliver_one: String,
    /// `created_at_us, id, [content,] users`
    pub(crate) deliver_many: Deliver,
    /// `user, limit, offset`
    pub(crate) page: String,
    /// `user, `[keyset]`, limit`
    pub(crate) page_after: String,
    /// `user, `[keyset]`, limit`; oldest first
    pub(crate) page_before: String,
    /// `user`
    pub(crate) count: String,
    /// `user`
    pub(crate) delete: String,
    /// Gives the id of the database.
    pub(crate) identity: String,
    table: String,
}

/// Items that a purge locks at a time.
pub(crate) const MOST_HELD: usize = 10_000;

/// Not those that an add under way holds: they get a delivery.
fn hold() -> String {
    format!("LIMIT {MOST_HELD} FOR UPDATE SKIP LOCKED")
}

/// The statements on the items' own table.
#[derive(Debug)]
pub(crate) struct ItemStatements {
    /// Where one statement can write to both tables: stores an item with its deliveries.
    pub(crate) with_deliveries: Option<WithDeliveries>,
    /// `created_at_us, id, content`
    pub(crate) insert: String,
    /// The same, without an error on any database; nothing but the key can be in the way
    pub(crate) insert_ignore: String,
    /// `created_at_us, id`; gives `content`, and holds the row until the end of the transaction, as
    /// MySQL does by the insert
    pub(crate) select: String,
    /// `created_at_us, id, content`; changes nothing and counts and holds the row if it is there
    /// with this content
    pub(crate) hold: String,
    /// Holds some items without a delivery, where there may be other writers; gives
    /// `id, created_at_us`.
    pub(crate) hold_orphans: Option<String>,
    /// Where they are held, by their [keys](crate::dialect::values::item_keys): deletes those that
    /// still have none. Else all without a delivery.
    pub(crate) purge: String,
}

/// Each fails where the item or a delivery is there already.
#[derive(Debug)]
pub(crate) struct WithDeliveries {
    /// `created_at_us, id, content, user`
    pub(crate) one: String,
    /// `created_at_us, id, content, users`
    pub(crate) many: String,
}

/// The statements for several adds at once, of SQLite: for up to 2, 4, 8, … rows, so that few are
/// prepared. A row of NULL is left out.
#[derive(Debug)]
pub(crate) struct GroupStatements {
    /// In each row `created_at_us, id, content`; where items have a table of their own
    pub(crate) items: Option<Vec<Rows>>,
    /// In each row `created_at_us, id, user, [content]`
    pub(crate) deliveries: Vec<Rows>,
}

/// A statement with this many rows.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) rows: usize,
    pub(crate) sql: String,
}

impl GroupStatements {
    /// For groups of up to `most`.
    pub(crate) fn new<L: Layout>(schema: &Schema, most: usize) -> Self {
        let statements = |table: &str, columns: &[&str]| -> Vec<Rows> {
            let row = format!("({})", vec!["?"; columns.len()].join(", "));
            let sizes = std::iter::successors(Some(2), |size| (*size < most).then_some(size * 2));
            let sql = |rows| {
                format!(
                    "INSERT INTO {} ({}) SELECT * FROM (VALUES {}) WHERE column1 IS NOT NULL",
                    schema.quote(table),
                    columns.join(", "),
                    vec![row.as_str(); rows].join(", ")
                )
            };
            sizes.map(|rows| Rows { rows, sql: sql(rows) }).collect()
        };
        if L::SEPARATE_ITEMS {
            Self {
                items: Some(statements(&schema.items_table(), &["created_at_us", "id", "content"])),
                deliveries: statements(&schema.table, &["created_at_us", "id", "user_id"]),
            }
        } else {
            let deliveries =
                statements(&schema.table, &["created_at_us", "id", "user_id", "content"]);
            Self { items: None, deliveries }
        }
    }

    /// The shortest of them that has room for so many.
    pub(crate) fn of(statements: &[Rows], count: usize) -> Option<&Rows> {
        statements.iter().find(|statement| statement.rows >= count)
    }
}

impl Statements {
    pub(crate) fn new<L: Layout>(schema: &Schema) -> Self {
        let dialect = schema.dialect;
        let table = schema.quote(&schema.table);
        let items_table = L::SEPARATE_ITEMS.then(|| schema.quote(&schema.items_table()));
        let items = items_table
            .as_ref()
            .map(|items| ItemStatements::new(dialect, items, &table, schema.user_id));
        // SQLite prepares a statement anew at each call where the limit is a parameter alone.
        let limited = if dialect == Dialect::Sqlite { " + 0" } else { "" };
        let page = |keyset: &str, order: &str, offset: &str, params: &[&str]| {
            let newest = format!(
                "FROM {table} WHERE user_id = {}{keyset} ORDER BY created_at_us {order}, id \
                 {order} LIMIT {}{limited}{offset}",
                params[0], params[1]
            );
            match &items_table {
                None => format!("SELECT id, created_at_us, content {newest}"),
                // The page is cut before the contents are looked up; the order comes back in
                // `rows`.
                Some(items) => format!(
                    "SELECT d.id, d.created_at_us, i.content FROM (SELECT created_at_us, id \
                     {newest}) AS d \
                     JOIN {items} AS i ON i.id = d.id AND i.created_at_us = d.created_at_us"
                ),
            }
        };
        let keyset_page = |older: bool| {
            let mut params = Params::after(dialect, 0);
            let user = params.next();
            let keyset = keyset(dialect, older, &mut params);
            page(&keyset, if older { "DESC" } else { "ASC" }, "", &[&user, &params.next()])
        };
        let mut params = Params::after(dialect, 0);
        let (user, limit, offset) = (params.next(), params.next(), params.next());
        let one = |verb: &str| format!("{verb} FROM {table} WHERE user_id = {user}");
        Self {
            deliver_one: deliver_one(dialect, &table, items.is_none()),
            deliver_many: {
                let mut params = Params::after(dialect, 0);
                let item = ItemParams::new(&mut params, items.is_none());
                let source = dialect.users_source(schema.user_id, &params.next());
                let mut deliver = Deliver::new(dialect, &table, "", &item, &source, "TRUE");
                // Of what MySQL would ignore, the ids of a list leave the key alone to be in the
                // way, unless they have to be somebody's.
                if dialect == Dialect::MySql && schema.users.is_none() {
                    deliver.quiet = deliver
                        .fresh
                        .as_ref()
                        .map(|sql| sql.replacen("INSERT", "INSERT IGNORE", 1));
                }
                deliver
            },
            page: page("", "DESC", &format!(" OFFSET {offset}{limited}"), &[&user, &limit]),
            page_after: keyset_page(true),
            page_before: keyset_page(false),
            count: one("SELECT COUNT(*)"),
            delete: one("DELETE"),
            items,
            identity: format!("SELECT id FROM {}", schema.quote(&schema.identity_table())),
            table,
        }
    }

    /// Delivery to the rows of `select`, which has `count` parameters: those, then
    /// `created_at_us, id, [content]`.
    pub(crate) fn deliver_query(&self, schema: &Schema, select: &str, count: usize) -> Deliver {
        let mut params = Params::after(schema.dialect, count);
        let item = ItemParams::new(&mut params, self.items.is_none());
        let source = schema.dialect.targets_source(schema.user_id);
        let with = format!("WITH targets(uid) AS ({select}) ");
        Deliver::new(schema.dialect, &self.table, &with, &item, source, "u.uid IS NOT NULL")
    }
}

impl ItemStatements {
    fn new(dialect: Dialect, items: &str, deliveries: &str, kind: UserIdKind) -> Self {
        let mut params = Params::after(dialect, 0);
        let (at, id, content) = (params.next(), params.next(), params.next());
        let unless_there = if dialect == Dialect::MySql { "" } else { " ON CONFLICT DO NOTHING" };
        let lock = if dialect == Dialect::Postgres { " FOR KEY SHARE" } else { "" };
        let hold = hold();
        // Each as one pass over the deliveries, without an index that every delivery would pay for.
        let (hold_orphans, purge) = match dialect {
            Dialect::Sqlite => {
                let orphan = format!(
                    "(id, created_at_us) NOT IN (SELECT id, created_at_us FROM {deliveries})"
                );
                (None, format!("DELETE FROM {items} WHERE {orphan}"))
            }
            Dialect::Postgres => {
                let orphan = format!(
                    "NOT EXISTS (SELECT 1 FROM {deliveries} AS d WHERE d.id = i.id AND \
                     d.created_at_us = i.created_at_us)"
                );
                let held = "unnest($1::bigint[], $2::bigint[]) AS held(id, created_at_us)";
                let purge = format!(
                    "DELETE FROM {items} AS i USING {held} WHERE held.id = i.id AND \
                     held.created_at_us = i.created_at_us AND {orphan}"
                );
                (
                    Some(format!(
                        "SELECT i.id, i.created_at_us FROM {items} AS i WHERE {orphan} {hold}"
                    )),
                    purge,
                )
            }
            Dialect::MySql => {
                let orphans = format!(
                    "LEFT JOIN (SELECT DISTINCT id, created_at_us FROM {deliveries}) AS d \
                     ON d.id = i.id AND d.created_at_us = i.created_at_us WHERE d.id IS NULL"
                );
                let held = "JSON_TABLE(?, '$[*]' COLUMNS(id BIGINT PATH '$[0]', created_at_us \
                    BIGINT PATH '$[1]')) AS held";
                let purge = format!(
                    "DELETE i FROM {held} JOIN {items} AS i ON i.id = held.id AND i.created_at_us \
                     = held.created_at_us {orphans}"
                );
                (
                    Some(format!(
                        "SELECT i.id, i.created_at_us FROM {items} AS i {orphans} {hold}"
                    )),
                    purge,
                )
            }
        };
        let with_deliveries = (dialect == Dialect::Postgres).then(|| {
            let user = params.next();
            let item = format!(
                "WITH item AS (INSERT INTO {items} (created_at_us, id, content) \
                VALUES ({at}, {id}, {content})) "
            );
            let insert = format!("{item}INSERT INTO {deliveries} (created_at_us, id, user_id)");
            let users = dialect.users_source(kind, &user);
            WithDeliveries {
                one: format!("{insert} VALUES ({at}, {id}, {user})"),
                many: format!("{insert} SELECT {at}, {id}, u.uid FROM {users}"),
            }
        });
        let insert = format!(
            "INTO {items} (created_at_us, id, content) VALUES ({at}, {id}, {content}){unless_there}"
        );
        let ignore = if dialect == Dialect::MySql { "IGNORE " } else { "" };
        Self {
            with_deliveries,
            insert: format!("INSERT {insert}"),
            insert_ignore: format!("INSERT {ignore}{insert}"),
            select: format!(
                "SELECT content FROM {items} WHERE created_at_us = {at} AND id = {id}{lock}"
            ),
            hold: format!(
                "UPDATE {items} SET content = content WHERE created_at_us = {at} AND id = {id} \
                 AND CAST(content AS BINARY) = CAST({content} AS BINARY)"
            ),
            hold_orphans,
            purge,
        }
    }
}

/// The condition for what is older, or newer, than a place. A row value is one index range on
/// SQLite and PostgreSQL; MySQL and MariaDB make a range of the redundant bound alone.
fn keyset(dialect: Dialect, older: bool, params: &mut Params) -> String {
    let than = if older { "<" } else { ">" };
    let (at, next) = (params.next(), params.next());
    match dialect {
        Dialect::MySql => {
            format!(
                " AND created_at_us {than}= {at} AND (created_at_us {than} {next} OR id {than} {})",
                params.next()
            )
        }
        _ => format!(" AND (created_at_us, id) {than} ({at}, {next})"),
    }
}

struct ItemParams {
    at: String,
    id: String,
    content: Option<String>,
}

impl ItemParams {
    fn new(params: &mut Params, content: bool) -> Self {
        Self { at: params.next(), id: params.next(), content: content.then(|| params.next()) }
    }

    fn columns(&self) -> &'static str {
        if self.content.is_some() { "created_at_us, id, content" } else { "created_at_us, id" }
    }
}

fn deliver_one(dialect: Dialect, table: &str, content: bool) -> String {
    let mut params = Params::after(dialect, 0);
    let item = ItemParams::new(&mut params, content);
    let values =
        [Some(item.at.clone()), Some(item.id.clone()), item.content.clone(), Some(params.next())];
    let values: Vec<_> = values.into_iter().flatten().collect();
    // MySQL's IGNORE would hide every other error too; there a second delivery is known by its
    // error.
    let unless_there = if dialect == Dialect::MySql { "" } else { " ON CONFLICT DO NOTHING" };
    format!(
        "INSERT INTO {table} ({}, user_id) VALUES ({}){unless_there}",
        item.columns(),
        values.join(", ")
    )
}

/// Delivery to any number of users, those of the derived table `u(uid)`, by one statement.
#[derive(Debug)]
pub(crate) struct Deliver {
    /// Fails where one of them has the item already or is named twice. On PostgreSQL it takes half
    /// the time of the other, which must look before it inserts. There is none on SQLite, which
    /// looks anyway.
    pub(crate) fresh: Option<String>,
    /// The same for rows that are copied, of `user, created_at_us, id, [content]`; on PostgreSQL.
    pub(crate) copy: Option<String>,
    /// Delivers to those who do not have the item yet.
    pub(crate) unless_there: String,
    /// The same, if it can be done without an error where somebody has the item.
    pub(crate) quiet: Option<String>,
}

impl Deliver {
    /// To the users of `source` for whom `condition` holds.
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
        let fresh = format!(
            "INSERT INTO {table} (user_id, {columns}) {with}SELECT u.uid, {at}, {id}{content} FROM \
             {source} \
             WHERE {condition}"
        );
        match dialect {
            Dialect::Sqlite => {
                let unless_there = format!("{fresh} ON CONFLICT DO NOTHING");
                Self { fresh: None, copy: None, quiet: Some(unless_there.clone()), unless_there }
            }
            Dialect::Postgres => {
                let unless_there = format!("{fresh} ON CONFLICT DO NOTHING");
                Self {
                    copy: Some(format!(
                        "COPY {table} (user_id, {columns}) FROM STDIN (FORMAT binary)"
                    )),
                    quiet: Some(unless_there.clone()),
                    unless_there,
                    fresh: Some(fresh),
                }
            }
            // With ON DUPLICATE KEY the server would report a row that was there already as if it
            // were inserted, and IGNORE would hide every other error; so those are left out by
            // hand. Each parameter stands once, in the same order.
            Dialect::MySql => {
                let (given, selected) = if content.is_empty() {
                    (String::new(), "")
                } else {
                    (format!("{content} AS content"), ", p.content")
                };
                let unless_there = format!(
                    "INSERT INTO {table} (user_id, {columns}) {with}SELECT u.uid, p.created_at_us, \
                     p.id{selected} \
                     FROM (SELECT {at} AS created_at_us, {id} AS id{given}) AS p CROSS JOIN \
                     {source} \
                     WHERE {condition} AND NOT EXISTS (SELECT 1 FROM {table} AS e \
                     WHERE e.user_id = u.uid AND e.created_at_us = p.created_at_us AND e.id = p.id)"
                );
                Self { fresh: Some(fresh), copy: None, unless_there, quiet: None }
            }
        }
    }
}

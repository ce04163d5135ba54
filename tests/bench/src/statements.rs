//! The SQL of the hand-written programs, on the library's tables. A duplicate item is an error in
//! them, so unlike the library they need not look for one first.

use user_streams_test_servers::harness::{Engine, Layout};

use crate::{feed_statements::FeedStatements, placeholders::text, store::Store};

/// The statements, each with its parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statements {
    /// `created_at_us, id, content`, where items have a table of their own.
    pub(crate) item: Option<&'static str>,
    /// `created_at_us, id, [content,] user`
    pub(crate) one: &'static str,
    /// `created_at_us, id, [content,] users`
    pub(crate) many: &'static str,
    /// `created_at_us, id, [content,] up_to`
    pub(crate) query: &'static str,
    /// `user, limit, offset`
    pub(crate) page: &'static str,
    /// `user, created_at_us, [created_at_us,] id, limit`
    pub(crate) after: &'static str,
    /// `user`
    pub(crate) count: &'static str,
    /// Of marks, removal and many items.
    pub(crate) feeds: FeedStatements,
}

/// The limit in the text of a page whose plan is kept.
const LIMIT_IN_TEXT: usize = 32;

impl Statements {
    pub(crate) fn new(store: &Store) -> Self {
        Self::of(store, false)
    }

    /// The same with the library's form of first pages and pages after a cursor: PostgreSQL keeps
    /// the plan of a statement that has its limit in the text, around which the parameter takes
    /// some of the rows.
    pub(crate) fn with_kept_plans(store: &Store) -> Self {
        Self::of(store, true)
    }

    fn of(store: &Store, keeps_plans: bool) -> Self {
        let engine = store.engine;
        let separate = store.layout == Layout::ManyToMany;
        let table = &store.table;
        // The number of the last parameter, and the parameters before it.
        let (last, columns, given) = if separate {
            (3, "created_at_us, id", "$1, $2")
        } else {
            (4, "created_at_us, id, content", "$1, $2, $3")
        };
        let typed = match (engine, separate) {
            (Engine::Postgres, true) => "$1::bigint, $2::bigint",
            (Engine::Postgres, false) => "$1::bigint, $2::bigint, $3::text",
            _ => given,
        };
        let insert = format!("INSERT INTO {table} ({columns}, user_id)");
        let source = match engine {
            Engine::Postgres => format!("unnest(${last}::bigint[]) AS u(uid)"),
            Engine::Mysql => {
                format!("JSON_TABLE(${last}, '$[*]' COLUMNS(uid BIGINT PATH '$')) AS u")
            }
            _ => format!("(SELECT value AS uid FROM json_each(${last})) AS u"),
        };
        let newest = |keyset: &str| {
            format!("FROM {table} WHERE user_id = $1{keyset} ORDER BY created_at_us DESC, id DESC")
        };
        let page = |newest: String, limit: &str| {
            let first = if keeps_plans { &format!("LIMIT {LIMIT_IN_TEXT}") } else { limit };
            let rest = if keeps_plans { limit } else { "" };
            let ordered = "ORDER BY d.created_at_us DESC, d.id DESC";
            let join = if keeps_plans { "LEFT JOIN" } else { "JOIN" };
            if separate {
                format!(
                    "SELECT d.id, d.created_at_us, i.content FROM (SELECT created_at_us, id \
                     {newest} {first}) AS d \
                     {join} {table}_items AS i ON i.id = d.id AND i.created_at_us = \
                     d.created_at_us {ordered} {rest}"
                )
            } else if keeps_plans {
                format!(
                    "SELECT d.id, d.created_at_us, d.content FROM (SELECT id, created_at_us, \
                     content {newest} {first}) AS d {ordered} {rest}"
                )
            } else {
                format!("SELECT id, created_at_us, content {newest} {first}")
            }
        };
        let after = if engine == Engine::Mysql {
            page(newest(" AND created_at_us <= $2 AND (created_at_us < $3 OR id < $4)"), "LIMIT $5")
        } else {
            page(newest(" AND (created_at_us, id) < ($2, $3)"), "LIMIT $4")
        };
        let text = |sql: String| text(engine, &sql);
        Self {
            item: separate.then(|| {
                text(format!(
                    "INSERT INTO {table}_items (created_at_us, id, content) VALUES ($1, $2, $3)"
                ))
            }),
            one: text(format!("{insert} VALUES ({given}, ${last})")),
            many: text(format!("{insert} SELECT {typed}, u.uid FROM {source}")),
            query: text(format!(
                "{insert} SELECT {typed}, id FROM bench_users WHERE id <= ${last}"
            )),
            page: text(page(newest(""), "LIMIT $2 OFFSET $3")),
            after: text(after),
            count: text(format!("SELECT COUNT(*) FROM {table} WHERE user_id = $1")),
            feeds: FeedStatements::new(store),
        }
    }
}

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

impl Statements {
    pub(crate) fn new(store: &Store) -> Self {
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
            format!(
                "FROM {table} WHERE user_id = $1{keyset} ORDER BY created_at_us DESC, id DESC LIMIT"
            )
        };
        let page = |newest: String| {
            if separate {
                format!(
                    "SELECT d.id, d.created_at_us, i.content FROM (SELECT created_at_us, id \
                     {newest}) AS d \
                     JOIN {table}_items AS i ON i.id = d.id AND i.created_at_us = d.created_at_us \
                     ORDER BY d.created_at_us DESC, d.id DESC"
                )
            } else {
                format!("SELECT id, created_at_us, content {newest}")
            }
        };
        let after = if engine == Engine::Mysql {
            format!("{} $5", newest(" AND created_at_us <= $2 AND (created_at_us < $3 OR id < $4)"))
        } else {
            format!("{} $4", newest(" AND (created_at_us, id) < ($2, $3)"))
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
            page: text(page(format!("{} $2 OFFSET $3", newest("")))),
            after: text(page(after)),
            count: text(format!("SELECT COUNT(*) FROM {table} WHERE user_id = $1")),
            feeds: FeedStatements::new(store),
        }
    }
}

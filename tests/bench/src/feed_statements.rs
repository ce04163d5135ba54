//! The SQL of the hand-written programs that marks, removes and adds many rows, on the library's
//! tables.

use user_streams_test_servers::harness::{Engine, Layout};

use crate::{placeholders::text, store::Store};

/// The statements, each with its parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FeedStatements {
    /// `user, limit`; finds the mark in the same statement
    pub(crate) unread: &'static str,
    /// `user, created_at_us, id`; never moves a mark back
    pub(crate) mark_read: &'static str,
    /// `users, created_at_us, id`
    pub(crate) remove: &'static str,
    pub(crate) bulk: BulkStatements,
}

/// Adding many rows of which some may be there.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BulkStatements {
    /// The beginning and the end of statements with rows of values.
    Values {
        /// `created_at_us, id, content`, where items have a table of their own.
        items: Option<[&'static str; 2]>,
        /// `user_id, created_at_us, id, [content]`
        deliveries: [&'static str; 2],
    },
    /// By way of a temporary table, which is empty at the beginning of a transaction.
    Staged {
        create: &'static str,
        /// COPY of rows `user_id, created_at_us, id, content`.
        copy: &'static str,
        /// From the temporary table, where items have a table of their own.
        items: Option<&'static str>,
        /// From the temporary table.
        deliveries: &'static str,
    },
}

impl FeedStatements {
    pub(crate) fn new(store: &Store) -> Self {
        let (engine, table) = (store.engine, &store.table);
        let text = |sql: String| text(engine, &sql);
        Self {
            unread: text(unread(engine, table)),
            mark_read: text(mark_read(engine, table)),
            remove: text(remove(engine, table)),
            bulk: match engine {
                Engine::Postgres => staged(store),
                _ => values(store),
            },
        }
    }
}

fn unread(engine: Engine, table: &str) -> String {
    if engine == Engine::Mysql {
        return format!(
            "SELECT COUNT(*) FROM (SELECT 1 FROM {table}_marks AS m JOIN {table} AS d \
             ON d.user_id = m.user_id AND d.created_at_us >= m.created_at_us \
             AND (d.created_at_us > m.created_at_us OR d.id > m.id) \
             WHERE m.user_id = $1 AND m.name = 'read' LIMIT $2) AS n"
        );
    }
    let of_mark = |column: &str| {
        format!(
            "COALESCE((SELECT {column} FROM {table}_marks WHERE user_id = $1 AND name = 'read'), 0)"
        )
    };
    // SQLite prepares a statement anew whenever another value is bound to a bare LIMIT.
    let limit = if engine == Engine::Sqlite { "$2 + 0" } else { "$2" };
    format!(
        "SELECT COUNT(*) FROM (SELECT 1 FROM {table} WHERE user_id = $1 \
         AND (created_at_us, id) > ({}, {}) LIMIT {limit}) AS n",
        of_mark("created_at_us"),
        of_mark("id")
    )
}

fn mark_read(engine: Engine, table: &str) -> String {
    let insert = format!(
        "INSERT INTO {table}_marks (user_id, name, created_at_us, id) VALUES ($1, 'read', $2, $3)"
    );
    match engine {
        // The assignments take effect one after the other, so `id` is first.
        Engine::Mysql => format!(
            "{insert} ON DUPLICATE KEY UPDATE id = IF(VALUES(created_at_us) > created_at_us \
             OR VALUES(created_at_us) = created_at_us AND VALUES(id) > id, VALUES(id), id), \
             created_at_us = GREATEST(created_at_us, VALUES(created_at_us))"
        ),
        _ => format!(
            "{insert} ON CONFLICT (user_id, name) DO UPDATE SET \
             created_at_us = excluded.created_at_us, id = excluded.id \
             WHERE (excluded.created_at_us, excluded.id) > \
             ({table}_marks.created_at_us, {table}_marks.id)"
        ),
    }
}

fn remove(engine: Engine, table: &str) -> String {
    match engine {
        Engine::Postgres => format!(
            "DELETE FROM {table} AS d USING unnest($1::bigint[]) AS u(uid) \
             WHERE d.user_id = u.uid AND d.created_at_us = $2 AND d.id = $3"
        ),
        Engine::Mysql => format!(
            "DELETE d FROM JSON_TABLE($1, '$[*]' COLUMNS(uid BIGINT PATH '$')) AS u \
             STRAIGHT_JOIN {table} AS d \
             ON d.user_id = u.uid AND d.created_at_us = $2 AND d.id = $3"
        ),
        _ => format!(
            "DELETE FROM {table} WHERE user_id IN (SELECT value FROM json_each($1)) \
             AND created_at_us = $2 AND id = $3"
        ),
    }
}

fn values(store: &Store) -> BulkStatements {
    let (ignore, end): (_, &str) = match store.engine {
        Engine::Mysql => (" IGNORE", ""),
        _ => ("", " ON CONFLICT DO NOTHING"),
    };
    let insert = |table: &str, columns: &str| {
        let insert = format!("INSERT{ignore} INTO {table} ({columns}) VALUES ");
        [text(store.engine, &insert), end]
    };
    let (table, items) = (&store.table, format!("{}_items", store.table));
    if store.layout == Layout::ManyToMany {
        BulkStatements::Values {
            items: Some(insert(&items, "created_at_us, id, content")),
            deliveries: insert(table, "user_id, created_at_us, id"),
        }
    } else {
        BulkStatements::Values {
            items: None,
            deliveries: insert(table, "user_id, created_at_us, id, content"),
        }
    }
}

fn staged(store: &Store) -> BulkStatements {
    let (engine, table) = (store.engine, &store.table);
    let separate = store.layout == Layout::ManyToMany;
    let columns = "created_at_us, id, content";
    let delivered = if separate { "created_at_us, id" } else { columns };
    BulkStatements::Staged {
        create: "CREATE TEMPORARY TABLE IF NOT EXISTS bench_staging (user_id BIGINT, \
                 created_at_us BIGINT, id BIGINT, content TEXT) ON COMMIT DELETE ROWS",
        copy: "COPY bench_staging FROM STDIN (FORMAT binary)",
        items: separate.then(|| {
            text(
                engine,
                &format!(
                    "INSERT INTO {table}_items ({columns}) SELECT DISTINCT {columns} \
                     FROM bench_staging ON CONFLICT DO NOTHING"
                ),
            )
        }),
        deliveries: text(
            engine,
            &format!(
                "INSERT INTO {table} (user_id, {delivered}) SELECT user_id, {delivered} \
                 FROM bench_staging ON CONFLICT DO NOTHING"
            ),
        ),
    }
}

//! Reading and moving marks.

use user_streams_core::UserIdKind;

use crate::{Dialect, dialect::Params};

/// The statements on the table of marks.
#[derive(Debug)]
pub(crate) struct MarkStatements {
    /// `user, name`; returns `created_at_us, id`
    pub(crate) get: String,
    /// Moves a mark forward alone.
    pub(crate) forward: MoveStatements,
    /// Moves a mark anywhere.
    pub(crate) anywhere: MoveStatements,
    /// `user, name`
    pub(crate) remove: String,
}

/// Moving a mark. Nothing is written if it stays where it is.
#[derive(Debug)]
pub(crate) struct MoveStatements {
    /// `user, name, created_at_us, id`; affects no row if the mark stays, which on MySQL, where
    /// rows that are found count as affected, is an out-of-range error
    pub(crate) upsert: String,
    /// The same without an error; on MySQL.
    pub(crate) steps: Option<MoveSteps>,
}

/// Moving a mark in two steps within a transaction.
#[derive(Debug)]
pub(crate) struct MoveSteps {
    /// `created_at_us, id, user, name, created_at_us, created_at_us, id`
    pub(crate) update: String,
    /// `user, name, created_at_us, id, user, name`
    pub(crate) insert: String,
}

impl MarkStatements {
    pub(super) fn new(dialect: Dialect, kind: UserIdKind, marks: &str) -> Self {
        let mut params = Params::after(dialect, 0);
        let (user, name) = (params.next(), params.next());
        let one = format!("FROM {marks} WHERE user_id = {user} AND name = {name}");
        Self {
            get: format!("SELECT created_at_us, id {one}"),
            forward: MoveStatements::new(dialect, kind, marks, true),
            anywhere: MoveStatements::new(dialect, kind, marks, false),
            remove: format!("DELETE {one}"),
        }
    }
}

impl MoveStatements {
    fn new(dialect: Dialect, kind: UserIdKind, marks: &str, forward: bool) -> Self {
        let mut params = Params::after(dialect, 0);
        let [user, name, at, id] = std::array::from_fn(|_| params.next());
        let insert = format!("INSERT INTO {marks}");
        let columns = "(user_id, name, created_at_us, id)";
        let on_conflict = |differs: &str| {
            format!(
                "ON CONFLICT (user_id, name) DO UPDATE SET created_at_us = \
                 excluded.created_at_us, id = excluded.id WHERE (excluded.created_at_us, \
                 excluded.id) {differs} (m.created_at_us, m.id)"
            )
        };
        let differs = if forward { ">" } else { "<>" };
        let upsert = match dialect {
            Dialect::Sqlite => format!(
                "{insert} AS m {columns} VALUES ({user}, {name}, {at}, {id}) {}",
                on_conflict(differs)
            ),
            // Without the look before, a mark that stays would be locked, which is a write.
            Dialect::Postgres => {
                let stays = if forward { ">=" } else { "=" };
                format!(
                    "{insert} AS m {columns} SELECT {user}::{}, {name}::text, {at}::bigint, \
                     {id}::bigint WHERE NOT EXISTS (SELECT 1 FROM {marks} AS e WHERE e.user_id = \
                     {user} AND e.name = {name} AND (e.created_at_us, e.id) {stays} ({at}, {id})) \
                     {}",
                    dialect.uid_type(kind),
                    on_conflict(differs)
                )
            }
            // The assignments take effect one after the other, so `id` is first.
            Dialect::MySql => {
                let moves = moves(forward, ["VALUES(created_at_us)"; 2], "VALUES(id)");
                format!(
                    "{insert} {columns} VALUES ({user}, {name}, {at}, {id}) ON DUPLICATE KEY \
                     UPDATE id = IF({moves}, VALUES(id), 9223372036854775807 + VALUES(id)), \
                     created_at_us = VALUES(created_at_us)"
                )
            }
        };
        let steps = (dialect == Dialect::MySql).then(|| MoveSteps {
            update: format!(
                "UPDATE {marks} SET created_at_us = ?, id = ? WHERE user_id = ? AND name = ? AND \
                 ({})",
                moves(forward, ["?"; 2], "?")
            ),
            insert: format!(
                "{insert} {columns} SELECT p.* FROM (SELECT ? AS user_id, ? AS name, CAST(? AS \
                 SIGNED) AS created_at_us, CAST(? AS SIGNED) AS id) AS p WHERE NOT EXISTS \
                 (SELECT 1 FROM {marks} AS e WHERE e.user_id = ? AND e.name = ?)"
            ),
        });
        Self { upsert, steps }
    }
}

/// Whether a mark on MySQL moves to a place.
fn moves(forward: bool, [at, again]: [&str; 2], id: &str) -> String {
    if forward {
        format!("created_at_us < {at} OR created_at_us = {again} AND id < {id}")
    } else {
        format!("created_at_us <> {at} OR created_at_us = {again} AND id <> {id}")
    }
}

//! Another session with an open transaction.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use user_streams_core::NewItem;

use super::handles::{Handle, Layout};
use crate::database::{TestDatabase, connect};

/// Its locks end with `release`.
pub(crate) struct Blocker {
    connection: DatabaseConnection,
    /// The session's id on the server; 0 on SQLite.
    pub(crate) session: i64,
}

impl Blocker {
    /// Runs these statements in a transaction that stays open.
    pub(crate) async fn run(database: &TestDatabase, statements: &[&str]) -> Self {
        let connection = connect(&database.url, 1).await;
        let (begin, number) = match database.backend() {
            DbBackend::Sqlite => ("BEGIN IMMEDIATE", "SELECT 0"),
            DbBackend::Postgres => ("BEGIN", "SELECT pg_backend_pid()::bigint"),
            _ => ("BEGIN", "SELECT CAST(CONNECTION_ID() AS SIGNED)"),
        };
        let row = Statement::from_string(database.backend(), number);
        let row = connection.query_one_raw(row).await.unwrap().unwrap();
        for sql in [&[begin], statements].concat() {
            connection
                .execute_unprepared(sql)
                .await
                .unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
        Self { connection, session: row.try_get_by_index(0).unwrap() }
    }

    /// Inserts these users' deliveries of the item without committing: whoever delivers it to them
    /// waits.
    pub(crate) async fn of_deliveries(
        database: &TestDatabase,
        handle: &Handle,
        users: &[i64],
        item: &NewItem,
    ) -> Self {
        let table = handle.quoted_table(database.backend());
        let (columns, content) = match handle.layout {
            Layout::SingleTable => ("user_id, created_at_us, id, content", ", 'held'"),
            Layout::ManyToMany => ("user_id, created_at_us, id", ""),
        };
        let (at, id) = (item.created_at_us(), item.id().get());
        let rows: Vec<_> =
            users.iter().map(|user| format!("({user}, {at}, {id}{content})")).collect();
        let insert = format!("INSERT INTO {table} ({columns}) VALUES {}", rows.join(", "));
        Self::run(database, &[&insert]).await
    }

    /// Rolls back.
    pub(crate) async fn release(self) {
        self.connection.execute_unprepared("ROLLBACK").await.unwrap();
        self.connection.close().await.unwrap();
    }
}

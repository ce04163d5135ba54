//! The sessions of the server.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

use crate::database::TestDatabase;

/// How many sessions of this database run a statement or have a transaction open, except this one
/// and those with these ids.
pub(crate) async fn busy(database: &TestDatabase, but: &[i64]) -> i64 {
    let but = [&[0], but].concat().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let sql = match database.backend() {
        DbBackend::Postgres => format!(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND backend_type = 'client backend' AND state <> 'idle' \
             AND pid <> pg_backend_pid() AND pid NOT IN ({but})"
        ),
        DbBackend::MySql => format!(
            "SELECT COUNT(*) FROM information_schema.processlist AS p WHERE p.db = DATABASE() \
             AND p.id <> CONNECTION_ID() AND p.id NOT IN ({but}) AND (p.command <> 'Sleep' \
             OR p.id IN (SELECT trx_mysql_thread_id FROM information_schema.innodb_trx))"
        ),
        _ => return 0,
    };
    database.number(&sql).await
}

/// How many sessions of this database there are except this one, which must be the only one of its
/// pool.
pub(crate) async fn count(only: &DatabaseConnection) -> i64 {
    let sql = match only.get_database_backend() {
        DbBackend::Postgres => {
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        }
        _ => {
            "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() \
             AND id <> CONNECTION_ID()"
        }
    };
    let statement = Statement::from_string(only.get_database_backend(), sql);
    only.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// Kills every other session of this database, as a restart does.
pub(crate) async fn end_all(database: &TestDatabase) {
    if database.backend() == DbBackend::Postgres {
        let sql = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        database.number(sql).await;
        return;
    }
    let sql = "SELECT CAST(COALESCE(MAX(id), 0) AS SIGNED) FROM information_schema.processlist \
               WHERE db = DATABASE() AND id <> CONNECTION_ID() AND id <> ";
    // A session that is listed once more is ending.
    let mut last = 0;
    loop {
        match database.number(&format!("{sql}{last}")).await {
            0 => return,
            session => {
                // It may have ended by itself.
                let kill = format!("KILL {session}");
                let _ = database.connection.execute_unprepared(&kill).await;
                last = session;
            }
        }
    }
}

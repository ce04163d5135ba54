//! A database for one test.

use std::{
    env,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement,
};
use tempfile::TempDir;
use user_streams_many_to_many::ManyToManyBackend;
use user_streams_single_table::{SingleTableBackend, SingleTableConfig};

pub(crate) struct Kind {
    pub(crate) name: &'static str,
    variable: Option<&'static str>,
}

pub(crate) const KINDS: &[Kind] = &[
    Kind { name: "sqlite", variable: None },
    Kind { name: "postgres", variable: Some("USER_STREAMS_TEST_POSTGRES") },
    Kind { name: "mysql", variable: Some("USER_STREAMS_TEST_MYSQL") },
];

impl Kind {
    /// The server's URL; for SQLite the scheme alone.
    pub(crate) fn url(&self) -> Option<String> {
        self.variable.map_or(Some("sqlite://".to_owned()), |variable| env::var(variable).ok())
    }
}

/// A new, empty database, which is dropped with this.
pub(crate) struct TestDatabase {
    /// The name of its kind.
    pub(crate) kind: &'static str,
    pub(crate) url: String,
    /// For the test's own statements.
    pub(crate) connection: DatabaseConnection,
    pub(crate) directory: TempDir,
    drop_on: Option<(String, String)>,
}

impl TestDatabase {
    pub(crate) async fn create(kind: &Kind) -> Self {
        Self::create_with(kind, "").await
    }

    /// The same with these options of `CREATE DATABASE`.
    pub(crate) async fn create_with(kind: &Kind, options: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let directory = tempfile::tempdir().unwrap();
        let server = kind.url().unwrap();
        let (url, drop_on) = if kind.variable.is_none() {
            (format!("sqlite://{}/test.db?mode=rwc", directory.path().display()), None)
        } else {
            let name =
                format!("us_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            run(&connect(&server, 1).await, &format!("CREATE DATABASE {name}{options}")).await;
            let (base, _) = server.rsplit_once('/').unwrap();
            (format!("{base}/{name}"), Some((server.clone(), name)))
        };
        Self { kind: kind.name, connection: connect(&url, 4).await, url, directory, drop_on }
    }

    pub(crate) fn backend(&self) -> DbBackend {
        self.connection.get_database_backend()
    }

    /// The configuration for a pool of the backend's own.
    pub(crate) fn config(&self) -> SingleTableConfig {
        SingleTableConfig::new(&self.url)
    }

    pub(crate) async fn single_table(&self) -> SingleTableBackend {
        SingleTableBackend::connect(self.config()).await.unwrap()
    }

    pub(crate) async fn many_to_many(&self) -> ManyToManyBackend {
        ManyToManyBackend::connect(self.config()).await.unwrap()
    }

    pub(crate) async fn run(&self, sql: &str) {
        run(&self.connection, sql).await;
    }

    /// The number in the first column of the first row.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let statement = Statement::from_string(self.backend(), sql);
        self.connection
            .query_one_raw(statement)
            .await
            .unwrap()
            .unwrap()
            .try_get_by_index(0)
            .unwrap()
    }

    /// The texts in the first column.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        let statement = Statement::from_string(self.backend(), sql);
        let rows = self.connection.query_all_raw(statement).await.unwrap();
        rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
    }

    /// The names of all tables.
    pub(crate) async fn tables(&self) -> Vec<String> {
        let sql = match self.backend() {
            DbBackend::Sqlite => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            }
            DbBackend::Postgres => {
                "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'"
            }
            _ => {
                "SELECT CAST(table_name AS CHAR) FROM information_schema.tables WHERE table_schema \
                 = DATABASE()"
            }
        };
        let mut names = self.texts(sql).await;
        names.sort();
        names
    }

    /// A pool that records its statements.
    pub(crate) async fn watched(&self) -> (DatabaseConnection, Log) {
        let log = Log::default();
        let mut connection = connect(&self.url, 4).await;
        let seen = log.clone();
        connection
            .set_metric_callback(move |info| seen.0.lock().unwrap().push(info.statement.clone()));
        (connection, log)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Some((server, name)) = self.drop_on.take() else { return };
        // The pools of this test are still open, so the database is dropped by force, on a runtime
        // of its own.
        let force = if self.backend() == DbBackend::Postgres { " WITH (FORCE)" } else { "" };
        let sql = format!("DROP DATABASE {name}{force}");
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async { run(&connect(&server, 1).await, &sql).await });
        })
        .join()
        .unwrap();
    }
}

/// The statements that a pool has executed.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Statement>>>);

impl Log {
    /// Those since the last call.
    pub(crate) fn take(&self) -> Vec<Statement> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

pub(crate) async fn connect(url: &str, connections: u32) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(connections).sqlx_logging(false);
    Database::connect(options).await.unwrap()
}

async fn run(connection: &DatabaseConnection, sql: &str) {
    connection.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

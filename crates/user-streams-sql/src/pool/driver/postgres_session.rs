//! The setup of a session of PostgreSQL, and whether the session is shared.
//!
//! A pooler such as PgBouncer may run each transaction in another session of the server, which is
//! shared with other clients: prepared statements and settings of one client are seen by the next.
//! So a session counts as shared unless it shows a marker that it can only have from the startup
//! packet of this connection, which poolers do not pass on (decision 20).

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Error as SqlxError, PgConnection,
    Postgres, error::DatabaseError, postgres::PgConnectOptions, raw_sql,
};

use super::statement;
use crate::{
    config::Timeouts,
    error::ends_session,
    fault::{self, Mechanism},
    pool::limits::server_limit,
    url::Redacted,
};

/// The setting that is the marker. PostgreSQL accepts any name with a dot in it.
pub(super) const MARKER: &str = "user_streams.session";
/// How often the server checks for its client while it runs a statement: since version 14, and not
/// on every operating system.
const CLIENT_CHECK: (&str, &str) = ("client_connection_check_interval", "500ms");

#[derive(Debug)]
pub(super) struct Sessions {
    options: Redacted<PgConnectOptions>,
    /// How long a statement may take on the server.
    pub(super) statement_limit: Duration,
    /// Timeouts on the server, as names and values of settings.
    timeouts: [(&'static str, String); 2],
    /// Whether a pooler has refused the marker, so that it is not sent again.
    is_refused: AtomicBool,
}

/// How long the transaction of a single statement may be idle: the client sends the statement at
/// once.
const IDLE_BEFORE_STATEMENT: &str = "SET LOCAL idle_in_transaction_session_timeout = 1500";

/// A connection, and how its transactions begin if the session is shared.
pub(super) struct Session {
    pub(super) connection: PgConnection,
    pub(super) shared: Option<Begin>,
}

/// How transactions begin in a shared session, where settings last only for a transaction.
pub(super) struct Begin {
    pub(super) transaction: String,
    /// The same for a single statement.
    pub(super) statement: String,
}

impl Sessions {
    pub(super) fn new(options: PgConnectOptions, timeouts: &Timeouts) -> Self {
        let milliseconds = |limit: Duration| server_limit(limit).as_millis().to_string();
        let settings = [
            ("statement_timeout", milliseconds(timeouts.operation)),
            ("idle_in_transaction_session_timeout", milliseconds(timeouts.recipients)),
        ];
        let options = options.disable_statement_logging();
        Self {
            options: Redacted(options),
            statement_limit: server_limit(timeouts.operation),
            timeouts: settings,
            is_refused: AtomicBool::new(false),
        }
    }

    /// For the migrations: no prepared statement is used in another transaction, which may be in
    /// another session.
    pub(super) fn options_without_cache(&self) -> PgConnectOptions {
        self.options.0.clone().statement_cache_capacity(0)
    }

    /// For a connection that listens.
    pub(super) fn options(&self) -> PgConnectOptions {
        self.options.0.clone()
    }

    pub(super) async fn open(&self) -> Result<Session, SqlxError> {
        if !self.is_refused.load(Ordering::Relaxed) {
            let marker = format!("{:032x}", fastrand::u128(..));
            match PgConnection::connect_with(&self.options.0.clone().options([(MARKER, &marker)]))
                .await
            {
                Ok(connection) => return self.set_up(connection, &marker).await,
                Err(error) if may_be_caused_by_marker(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let connection = PgConnection::connect_with(&self.options).await?;
        self.is_refused.store(true, Ordering::Relaxed);
        self.shared(connection).await
    }

    async fn set_up(
        &self,
        mut connection: PgConnection,
        marker: &str,
    ) -> Result<Session, SqlxError> {
        let isolation = [("default_transaction_isolation", "read committed".to_owned())];
        let settings = self.timeouts.iter().chain(&isolation);
        let set = settings.map(|(name, value)| format!("set_config('{name}', '{value}', false)"));
        let set = set.collect::<Vec<_>>().join(", ");
        let sql = format!("SELECT {set} WHERE current_setting('{MARKER}', true) = '{marker}'");
        if raw_sql(AssertSqlSafe(sql)).fetch_optional(&mut connection).await?.is_none() {
            return self.shared(connection).await;
        }
        if fault::is_active(Mechanism::Release) {
            let (name, value) = CLIENT_CHECK;
            let _ = statement::execute_unprepared::<Postgres>(
                &mut connection,
                &format!("SET {name} = '{value}'"),
            )
            .await;
        }
        Ok(Session { connection, shared: None })
    }

    /// Behind a pooler settings last only for a transaction.
    async fn shared(&self, mut connection: PgConnection) -> Result<Session, SqlxError> {
        let mut begin = "BEGIN ISOLATION LEVEL READ COMMITTED".to_owned();
        for (name, value) in &self.timeouts {
            begin += &format!("; SET LOCAL {name} = {value}");
        }
        if fault::is_active(Mechanism::Release) {
            let (name, value) = CLIENT_CHECK;
            let with_check = format!("{begin}; SET LOCAL {name} = '{value}'");
            match statement::execute_unprepared::<Postgres>(&mut connection, &with_check).await {
                Ok(()) => begin = with_check,
                Err(error) if ends_session(&error) => return Err(error),
                // The server does not have the setting.
                Err(_) => {}
            }
            statement::execute_unprepared::<Postgres>(&mut connection, "ROLLBACK").await?;
        }
        let statement = format!("{begin}; {IDLE_BEFORE_STATEMENT}");
        Ok(Session { connection, shared: Some(Begin { transaction: begin, statement }) })
    }
}

/// Whether the marker may be why a connection was refused. If it is not, the next one is refused as
/// well.
pub(super) fn may_be_caused_by_marker(error: &SqlxError) -> bool {
    // The login, the database, a server that is starting, and one that is full.
    let others = ["28", "3D", "57", "53"];
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| !others.iter().any(|class| code.starts_with(class)))
}

//! What a session of PostgreSQL begins with, and whether it is ours alone.
//!
//! A pooler such as PgBouncer may give each transaction another session of the server's, which
//! other clients have had and will have. What one of them prepared under a name then runs for
//! whoever uses the name; what one of them sets holds for the next. So a session is taken for one
//! that others have too unless it shows a mark that it can only have from the packet that this
//! connection began with, which no pooler hands on (decision 20).

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
    url::Hidden,
};

/// The setting that is the mark. PostgreSQL takes any name with a dot in it.
const MARK: &str = "user_streams.session";
/// How often the server looks whether its client is still there while it runs a statement: since
/// version 14, and not on every system.
const CLIENT_CHECK: (&str, &str) = ("client_connection_check_interval", "500ms");

#[derive(Debug)]
pub(super) struct Sessions {
    options: Hidden<PgConnectOptions>,
    /// By their names and values.
    limits: [(&'static str, String); 2],
    /// Whether a pooler has refused the mark, so that it is not sent again.
    is_refused: AtomicBool,
}

/// How long a transaction of one statement may wait for its client, who sends the statement at
/// once.
const IDLE_BEFORE_STATEMENT: &str = "SET LOCAL idle_in_transaction_session_timeout = 1500";

/// A connection, and what its transactions begin with if its session is not ours alone.
pub(super) struct Session {
    pub(super) connection: PgConnection,
    pub(super) shared: Option<Begin>,
}

/// What transactions begin with, since nothing is set for longer.
pub(super) struct Begin {
    pub(super) transaction: String,
    /// One of a single statement.
    pub(super) statement: String,
}

impl Sessions {
    pub(super) fn new(options: PgConnectOptions, timeouts: &Timeouts) -> Self {
        let milliseconds = |limit: Duration| server_limit(limit).as_millis().to_string();
        let limits = [
            ("statement_timeout", milliseconds(timeouts.operation)),
            ("idle_in_transaction_session_timeout", milliseconds(timeouts.recipients)),
        ];
        let options = options.disable_statement_logging();
        Self { options: Hidden(options), limits, is_refused: AtomicBool::new(false) }
    }

    /// For the migrations: no statement is used again in another transaction, which may be in
    /// another session.
    pub(super) fn options_without_cache(&self) -> PgConnectOptions {
        self.options.0.clone().statement_cache_capacity(0)
    }

    pub(super) async fn open(&self) -> Result<Session, SqlxError> {
        if !self.is_refused.load(Ordering::Relaxed) {
            let mark = format!("{:032x}", fastrand::u128(..));
            match PgConnection::connect_with(&self.options.0.clone().options([(MARK, &mark)])).await
            {
                Ok(connection) => return self.set_up(connection, &mark).await,
                Err(error) if may_be_of_the_mark(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let connection = PgConnection::connect_with(&self.options).await?;
        self.is_refused.store(true, Ordering::Relaxed);
        self.share(connection).await
    }

    async fn set_up(&self, mut connection: PgConnection, mark: &str) -> Result<Session, SqlxError> {
        let isolation = [("default_transaction_isolation", "read committed".to_owned())];
        let settings = self.limits.iter().chain(&isolation);
        let set = settings.map(|(name, value)| format!("set_config('{name}', '{value}', false)"));
        let set = set.collect::<Vec<_>>().join(", ");
        let sql = format!("SELECT {set} WHERE current_setting('{MARK}', true) = '{mark}'");
        if raw_sql(AssertSqlSafe(sql)).fetch_optional(&mut connection).await?.is_none() {
            return self.share(connection).await;
        }
        if fault::has(Mechanism::Release) {
            let (name, value) = CLIENT_CHECK;
            let _ = statement::run::<Postgres>(&mut connection, &format!("SET {name} = '{value}'"))
                .await;
        }
        Ok(Session { connection, shared: None })
    }

    /// Behind a pooler nothing is set for longer than a transaction.
    async fn share(&self, mut connection: PgConnection) -> Result<Session, SqlxError> {
        let mut begin = "BEGIN ISOLATION LEVEL READ COMMITTED".to_owned();
        for (name, value) in &self.limits {
            begin += &format!("; SET LOCAL {name} = {value}");
        }
        if fault::has(Mechanism::Release) {
            let (name, value) = CLIENT_CHECK;
            let with_check = format!("{begin}; SET LOCAL {name} = '{value}'");
            match statement::run::<Postgres>(&mut connection, &with_check).await {
                Ok(()) => begin = with_check,
                Err(error) if ends_session(&error) => return Err(error),
                // The server does not have the setting.
                Err(_) => {}
            }
            statement::run::<Postgres>(&mut connection, "ROLLBACK").await?;
        }
        let statement = format!("{begin}; {IDLE_BEFORE_STATEMENT}");
        Ok(Session { connection, shared: Some(Begin { transaction: begin, statement }) })
    }
}

/// Whether a server may have refused a connection because of the mark. If it was something else, it
/// refuses the next one as well.
fn may_be_of_the_mark(error: &SqlxError) -> bool {
    // The login, the database, a server that is starting, and one that is full.
    let others = ["28", "3D", "57", "53"];
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| !others.iter().any(|class| code.starts_with(class)))
}

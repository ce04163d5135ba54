//! The store of a trial, and the library's handles on it.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use serde::{Deserialize, Serialize};
use user_streams_core::{Settings, Streams, UserId, UserIdKind};
use user_streams_many_to_many::ManyToManyBackend;
use user_streams_single_table::SingleTableBackend;
use user_streams_sql::SqlConfig;
use user_streams_test_servers::harness::{Engine, Layout};

/// The limits that the library is configured with.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Limits {
    pub(crate) connections: u32,
    pub(crate) connect: Duration,
    pub(crate) statement: Duration,
    pub(crate) broadcast: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 6,
            connect: Duration::from_secs(1),
            statement: Duration::from_secs(2),
            broadcast: Duration::from_secs(20),
        }
    }
}

/// What of the library is switched on that is off by default.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Features {
    pub(crate) audiences: bool,
    /// Dismissals and retractions.
    pub(crate) hiding: bool,
    /// Those who write tell, where the backend can.
    pub(crate) live: bool,
}

/// How often what comes is asked for, where nobody tells.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// A table, or a prefix of keys, in a file or on a server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Store {
    pub(crate) engine: Engine,
    pub(crate) layout: Layout,
    /// The URL of the server itself, for its administrator.
    pub(crate) server_url: String,
    /// The URL of the proxy, for the library's user.
    pub(crate) url: String,
    pub(crate) table: String,
    /// The library's user, which identifies its sessions.
    pub(crate) user: String,
    pub(crate) text_ids: bool,
    pub(crate) limits: Limits,
    pub(crate) features: Features,
}

impl Store {
    /// Connects the library with a pool of its own.
    pub(crate) async fn streams(&self) -> Result<Streams> {
        let backend = match self.layout {
            Layout::SingleTable => "single-table+",
            Layout::ManyToMany => "many-to-many+",
            Layout::SortedSets => "",
        };
        let mut settings = Settings::new(format!("{backend}{}", self.url))
            .with_option("user_id", self.kind().as_str());
        let Limits { connections, connect, statement, broadcast } = self.limits;
        if self.engine.is_sql() {
            settings = settings
                .with_option("table", self.table.as_str())
                .with_option("max_connections", connections)
                .with_option("connect_timeout", connect.as_secs_f64())
                .with_option("operation_timeout", statement.as_secs_f64())
                .with_option("broadcast_timeout", broadcast.as_secs_f64());
        } else {
            settings = settings
                .with_option("key_prefix", self.table.as_str())
                .with_option("operation_timeout", statement.as_secs_f64());
        }
        let Features { audiences, hiding, live } = self.features;
        let settings = settings
            .with_audiences(audiences)
            .with_dismissals(hiding)
            .with_retractions(hiding)
            .with_live(live)
            .with_poll_interval(POLL_INTERVAL);
        Ok(Streams::connect(settings.with_use_utc(true)).await?)
    }

    /// Connects the library to an application's pool, without `live`.
    pub(crate) async fn connect_application_pool(&self) -> Result<(Streams, DatabaseConnection)> {
        let mut options = ConnectOptions::new(self.url.as_str());
        options.max_connections(self.limits.connections).sqlx_logging(false);
        options.connect_timeout(self.limits.connect).acquire_timeout(self.limits.connect);
        if self.engine == Engine::Sqlite {
            options.map_sqlx_sqlite_opts(|sqlite| sqlite.pragma("journal_mode", "WAL"));
        }
        let pool = Database::connect(options).await?;
        let config = SqlConfig::new("")
            .with_user_id(self.kind())
            .with_table(self.table.as_str())
            .with_operation_timeout(self.limits.statement)
            .with_connect_timeout(self.limits.connect)
            .with_broadcast_timeout(self.limits.broadcast);
        let streams = if self.layout == Layout::SingleTable {
            Streams::from_backend(SingleTableBackend::new(pool.clone(), config)?)
        } else {
            Streams::from_backend(ManyToManyBackend::new(pool.clone(), config)?)
        };
        let Features { audiences, hiding, .. } = self.features;
        let streams = streams.with_audiences(audiences)?;
        Ok((streams.with_dismissals(hiding)?.with_retractions(hiding)?, pool))
    }

    /// Another table, or prefix of keys, beside this one, for the same login.
    pub(crate) fn beside(&self) -> Self {
        Self { table: format!("{}_other", self.table), ..self.clone() }
    }

    pub(crate) fn kind(&self) -> UserIdKind {
        if self.text_ids { UserIdKind::Text } else { UserIdKind::BigInt }
    }

    /// The id of the user of this number.
    pub(crate) fn user_id(&self, user: i64) -> UserId {
        if self.text_ids { UserId::Text(format!("user-{user:09}")) } else { UserId::Int(user) }
    }

    /// How many recipients a chunk of a broadcast has.
    pub(crate) fn chunk(&self) -> u64 {
        if self.text_ids { 10_000 } else { 100_000 }
    }

    /// The path of a SQLite file.
    pub(crate) fn file(&self) -> PathBuf {
        let path = self.url.strip_prefix("sqlite://").unwrap_or(&self.url);
        path.split_once('?').map_or(path, |(path, _)| path).into()
    }

    /// The URL of a SQL server at this address for the library's user.
    pub(crate) fn user_url(&self, address: SocketAddr, tls: bool) -> String {
        let user = &self.user;
        if self.engine == Engine::Postgres {
            let mode = if tls { "require" } else { "disable" };
            format!("postgres://{user}@{address}/postgres?sslmode={mode}")
        } else {
            let mode = if tls { "REQUIRED" } else { "DISABLED" };
            format!("mysql://{user}@{address}/user_streams?ssl-mode={mode}")
        }
    }

    /// The hosts and ports of the Redis nodes.
    pub(crate) fn addresses(&self) -> Result<Vec<String>> {
        let (_, rest) = self.server_url.split_once("://").context("a server without a URL")?;
        let parts = rest.split(['/', '?', '&']).filter(|part| !part.is_empty());
        Ok(parts.map(|part| part.strip_prefix("node=").unwrap_or(part).to_owned()).collect())
    }
}

/// The address of a server that has a single one.
pub(crate) fn server_address(url: &str) -> Result<SocketAddr> {
    let (_, rest) = url.split_once("://").context("a server without a URL")?;
    let host = rest.split('/').next().unwrap_or(rest);
    let address = host.rsplit_once('@').map_or(host, |(_, address)| address);
    address.parse().context("cannot parse the server's address")
}

//! The settings of throwaway servers, in one place: fast for tests, durable for measurements.

use anyhow::Result;

use crate::{certificate::Authority, tls::Tls};

/// How durable a server's data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Nothing survives a crash.
    Fast,
    /// Commits survive a crash of the server, though not of the machine. The servers have TLS too.
    Crash,
    /// The server's defaults.
    Durable,
}

impl Profile {
    /// Configures TLS for PostgreSQL and MariaDB, if this profile has it.
    pub(crate) fn with_tls(
        self,
        configure: impl FnOnce(Option<&Tls<'_>>) -> Result<()>,
    ) -> Result<()> {
        if self != Self::Crash {
            return Ok(());
        }
        let certificate = Authority::new("user-streams")?.server(&["localhost", "127.0.0.1"])?;
        configure(Some(&Tls { certificate: &certificate, clients: None }))
    }

    /// `-c` settings of PostgreSQL.
    pub fn postgres(self) -> &'static [&'static str] {
        match self {
            Self::Fast => &[
                "max_connections=300",
                "fsync=off",
                "synchronous_commit=off",
                "full_page_writes=off",
            ],
            Self::Crash => &["max_connections=300", "fsync=off"],
            Self::Durable => &["max_connections=300"],
        }
    }

    /// Options of MariaDB and MySQL.
    pub fn mysql(self) -> &'static [&'static str] {
        match self {
            Self::Fast => &[
                "--max-connections=300",
                "--innodb-flush-log-at-trx-commit=0",
                "--innodb-doublewrite=0",
                "--skip-log-bin",
                "--sync-binlog=0",
            ],
            Self::Crash => &[
                "--max-connections=300",
                "--innodb-flush-log-at-trx-commit=2",
                "--skip-log-bin",
                "--sync-binlog=0",
            ],
            Self::Durable => &["--max-connections=300"],
        }
    }

    /// Options of Redis.
    pub fn redis(self) -> &'static [&'static str] {
        match self {
            // A replica need not wait for others to join it in its first synchronization.
            Self::Fast => &["--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0"],
            // While `everysec` synchronizes, it answers before it writes.
            Self::Crash => &[
                "--save",
                "",
                "--appendonly",
                "yes",
                "--appendfsync",
                "no",
                "--repl-diskless-sync-delay",
                "0",
            ],
            Self::Durable => &["--save", "", "--appendonly", "yes", "--appendfsync", "everysec"],
        }
    }
}

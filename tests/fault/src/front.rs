//! A pooler before a server, for trials of PostgreSQL behind one.

use anyhow::Result;
use user_streams_test_servers::Pooler;

/// A pooler, and how it pools.
pub(crate) struct Front {
    pub(crate) mode: String,
    pooler: Pooler,
}

/// For as many sessions as trials have at once. The server is tried again sooner than after 15 s.
/// An application's own pool sends a parameter that the pooler does not know.
const SETTINGS: &[&str] = &[
    "max_client_conn = 5000",
    "default_pool_size = 50",
    "server_login_retry = 1",
    "ignore_startup_parameters = extra_float_digits",
];

impl Front {
    pub(crate) fn start(server_url: &str, mode: &str) -> Result<Self> {
        // The library's own users, by whom its sessions are known.
        let users: Vec<_> = (1..10_000).map(|number| format!("f{number}")).collect();
        let pool_mode = format!("pool_mode = {mode}");
        let settings = [&[pool_mode.as_str()], SETTINGS].concat();
        let pooler = Pooler::start_for(server_url, &users, &settings)?;
        Ok(Self { mode: mode.to_owned(), pooler })
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.pooler.url
    }
}

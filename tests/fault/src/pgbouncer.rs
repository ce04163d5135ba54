//! PgBouncer between the library and PostgreSQL.

use anyhow::Result;
use user_streams_test_servers::Pooler;

/// A running PgBouncer and its pool mode.
pub(crate) struct PgBouncer {
    pub(crate) mode: String,
    pooler: Pooler,
}

/// Enough connections for all concurrent trials. A server that was down is retried after 1 s, not
/// 15. `extra_float_digits` is a startup parameter of sqlx that PgBouncer does not know.
const SETTINGS: &[&str] = &[
    "max_client_conn = 5000",
    "default_pool_size = 50",
    "server_login_retry = 1",
    "ignore_startup_parameters = extra_float_digits",
];

impl PgBouncer {
    pub(crate) fn start(server_url: &str, mode: &str) -> Result<Self> {
        // Each trial's library has a user of its own, which identifies its sessions.
        let users: Vec<_> = (1..10_000).map(|number| format!("f{number}")).collect();
        let pool_mode = format!("pool_mode = {mode}");
        let settings = [&[pool_mode.as_str()], SETTINGS].concat();
        let pooler = Pooler::start_for(server_url, &users, &settings)?;
        Ok(Self { mode: mode.to_owned(), pooler })
    }

    pub(crate) fn url(&self) -> &str {
        &self.pooler.url
    }
}

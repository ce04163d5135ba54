//! A MariaDB or MySQL of the test's own, for settings that every session of a server has.

use tokio::task::spawn_blocking;
use user_streams_test_servers::{Kind, Profile, Server, is_installed, start_with};

/// Ends with this, or with this process.
pub(crate) struct OwnServer {
    /// Of a database for which the login is a superuser.
    pub(crate) url: String,
    _server: Server,
}

impl OwnServer {
    /// With this option; none where no binary is found.
    pub(crate) async fn start(option: &str) -> Option<Self> {
        if !is_installed(Kind::Mysql) {
            return None;
        }
        let option = option.to_owned();
        let started = spawn_blocking(move || start_with(Kind::Mysql, Profile::Fast, &[&option]));
        let server = started.await.unwrap().unwrap();
        Some(Self { url: server.url.clone(), _server: server })
    }
}

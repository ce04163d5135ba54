//! A MariaDB or MySQL server for one test, for settings of the whole server.

use tokio::task::spawn_blocking;
use user_streams_test_servers::{Kind, Profile, Server, is_installed, start_with};

/// Stopped with this, or with this process.
pub(crate) struct OwnServer {
    /// The URL of a database, with a superuser's login.
    pub(crate) url: String,
    _server: Server,
}

impl OwnServer {
    /// Starts it with this option; none without its binary.
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

//! A MariaDB or MySQL server for one test, for settings of the whole server.

use tokio::task::spawn_blocking;
use user_streams_test_servers::{Kind, Profile, Server, start_with};

/// Stopped with this, or with this process.
pub(crate) struct OwnServer {
    /// The URL of a database, with a superuser's login.
    pub(crate) url: String,
    _server: Server,
}

impl OwnServer {
    /// Starts it with this option.
    ///
    /// # Panics
    /// If it is not installed, with the line that installs it.
    pub(crate) async fn start(option: &str) -> Self {
        let option = option.to_owned();
        let started = spawn_blocking(move || start_with(Kind::Mysql, Profile::Fast, &[&option]));
        let server = started.await.unwrap().unwrap();
        Self { url: server.url.clone(), _server: server }
    }
}

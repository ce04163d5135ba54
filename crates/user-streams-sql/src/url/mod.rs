//! The URL of a database. It is parsed here: sqlx gets options and never sees the text.
//!
//! A password may be in any part of a malformed URL, and in the value of any parameter. So messages
//! show only names, and no error of a parser is the source of another.

mod decode;
#[cfg(all(test, feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod documentation;
mod invalid;
#[cfg(feature = "mysql")]
mod mysql;
mod parameters;
#[cfg(feature = "postgres")]
mod postgres;
mod redacted;
mod server;
#[cfg(feature = "sqlite")]
mod sqlite;
mod tls;

#[cfg(feature = "mysql")]
pub(crate) use mysql::mysql;
#[cfg(feature = "postgres")]
pub(crate) use postgres::postgres;
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) use redacted::Redacted;
#[cfg(feature = "sqlite")]
pub(crate) use sqlite::{SqliteFile, SqliteUrl, sqlite};

/// The user, password, host, port and database of a server's URL.
#[cfg(feature = "fuzz")]
pub(crate) fn parts(url: &str) -> user_streams_core::Result<[Option<String>; 5]> {
    let (server, _) = server::split(url)?;
    let port = server.port.map(|port| port.to_string());
    Ok([server.user, server.password, server.host, port, server.database])
}

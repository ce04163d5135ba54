//! The URL of a database, parsed here: sqlx gets options and never sees the text.
//!
//! There may be a password in any part of a malformed URL, and in the value of any parameter. So no
//! message shows more of it than names, and no error of a parser is anybody's source.

#[cfg(all(test, feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod any_text;
#[cfg(all(test, feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod documentation;
mod escapes;
mod hidden;
#[cfg(feature = "mysql")]
mod mysql;
mod parameters;
#[cfg(feature = "postgres")]
mod postgres;
mod server;
#[cfg(feature = "sqlite")]
mod sqlite;
mod tls;

use std::fmt;

use user_streams_core::{Error, ErrorKind};

#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(crate) use hidden::Hidden;
#[cfg(feature = "mysql")]
pub(crate) use mysql::mysql;
#[cfg(feature = "postgres")]
pub(crate) use postgres::postgres;
#[cfg(feature = "sqlite")]
pub(crate) use sqlite::{SqliteUrl, sqlite};

fn invalid(message: impl fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidSettings, format!("url: {message}"))
}

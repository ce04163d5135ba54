//! What the project's own fuzz targets (`cargo xtask fuzz`) reach of the private parts: settings
//! without a connection, and the encoding of values. Only with the feature `fuzz`, which is not
//! covered by semver.

use sea_orm::Value;
use user_streams_core::{NewItem, Result, UserId, UserIdKind, backend::ConnectArgs};

use crate::{
    Dialect,
    dialect::{self, CopyRows, values},
    driver, url,
};

/// What connecting a backend of this name does before it opens a connection. The result is what
/// `Debug` shows of it.
///
/// # Errors
/// Those of connecting.
pub fn parse(args: ConnectArgs, backend: &'static str) -> Result<String> {
    let config = driver::config(args, backend)?;
    let parse = || {
        let dialect = Dialect::from_url(&config.url)?;
        config.max_connections()?;
        config.timeouts()?;
        config.waiting()?;
        match dialect {
            Dialect::Sqlite => drop(url::sqlite(&config.url)?),
            Dialect::Postgres => drop(url::postgres(&config.url)?),
            Dialect::MySql => drop(url::mysql(&config.url)?),
        }
        let names = (config.table(backend)?, config.users()?);
        Ok(format!("{config:?} {names:?}"))
    };
    parse().map_err(|error: user_streams_core::Error| error.with_backend(backend))
}

/// The user, password, host, port and database of a server's URL.
///
/// # Errors
/// `InvalidSettings` if it is malformed.
pub fn server(url: &str) -> Result<[Option<String>; 5]> {
    url::parts(url)
}

/// The binary COPY of an item's deliveries.
pub fn copy(users: &[UserId], item: &NewItem, content: Option<&str>) -> Vec<u8> {
    let rows = CopyRows::of("", users, item, content);
    let (mut all, mut block, mut next) = (Vec::new(), Vec::new(), Some(0));
    while let Some(from) = next {
        next = rows.fill(&mut block, from);
        all.append(&mut block);
    }
    all
}

/// A PostgreSQL statement with its values as literals.
pub fn postgres_literals(sql: &str, values: &[Value]) -> Option<String> {
    dialect::postgres_literals(sql, values)
}

/// A MySQL statement with its values as a script.
pub fn mysql_script(sql: &str, values: &[Value]) -> String {
    dialect::mysql_script(sql, values)
}

/// Any number of user ids in one parameter.
pub fn users(dialect: Dialect, kind: UserIdKind, users: &[UserId]) -> Value {
    values::users(dialect, kind, users)
}

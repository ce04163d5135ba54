//! From a URL of ours to a backend.

use std::sync::Arc;

use user_streams_core::{
    Error, ErrorKind, Result,
    backend::{ConnectArgs, ConnectFuture},
};

use crate::{Dialect, Layout, SqlBackend, SqlConfig};

/// The URL schemes of a backend of this name, whichever databases are enabled: connecting to one
/// that is not says which feature to enable.
#[macro_export]
macro_rules! schemes {
    ($backend:literal) => {
        &[
            concat!($backend, "+sqlite"),
            concat!($backend, "+postgres"),
            concat!($backend, "+postgresql"),
            concat!($backend, "+mysql"),
            concat!($backend, "+mariadb"),
        ]
    };
}

/// Whether the database of one of these schemes is not enabled.
pub fn is_disabled(scheme: &str) -> bool {
    let database =
        scheme.split_once('+').map(|(_, database)| Dialect::from_url(&format!("{database}:")));
    matches!(database, Some(Ok(dialect)) if !dialect.is_enabled())
}

/// Connects a backend of this layout: what a driver's `connect` calls. What follows the `+` of the
/// URL is the [configuration's](SqlConfig::url).
pub fn connect_url<L: Layout>(args: ConnectArgs) -> ConnectFuture {
    Box::pin(
        async move { Ok(Arc::new(SqlBackend::<L>::connect(config(args, L::NAME)?).await?) as _) },
    )
}

/// The configuration of these arguments, for the backend of this name.
pub(crate) fn config(args: ConnectArgs, backend: &'static str) -> Result<SqlConfig> {
    let Some((_, url)) = args.url.split_once('+') else {
        let message = format!("expected a URL such as {backend}+sqlite://feeds.db?mode=rwc");
        return Err(Error::new(ErrorKind::InvalidSettings, message).with_backend(backend));
    };
    let live = args.live;
    let mut config: SqlConfig =
        args.options.parse().map_err(|error| error.with_backend(backend))?;
    url.clone_into(&mut config.url);
    config.live |= live;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use crate::Dialect;

    #[test]
    fn every_scheme_is_one_of_a_database_s_url() {
        let schemes: &[&str] = crate::schemes!("x");
        let dialects: Vec<_> = schemes
            .iter()
            .map(|scheme| Dialect::from_url(&format!("{}:", &scheme[2..])).unwrap())
            .collect();
        use Dialect::{MySql, Postgres, Sqlite};
        assert_eq!(dialects, [Sqlite, Postgres, Postgres, MySql, MySql]);
    }
}

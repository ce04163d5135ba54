//! From a URL of ours to a backend.

use std::sync::Arc;

use user_streams_core::{ConnectArgs, ConnectFuture, Error, ErrorKind};

use crate::{Layout, SqlBackend, SqlConfig};

/// Connects a backend of this layout: what a driver's `connect` calls. What follows the `+` of the
/// URL is the [configuration's](SqlConfig::url).
pub fn connect_url<L: Layout>(args: ConnectArgs) -> ConnectFuture {
    Box::pin(async move {
        let Some((_, url)) = args.url.split_once('+') else {
            let message = format!("expected a URL such as {}+sqlite://feeds.db?mode=rwc", L::NAME);
            return Err(Error::new(ErrorKind::InvalidSettings, message).with_backend(L::NAME));
        };
        let mut config: SqlConfig =
            args.options.parse().map_err(|error| error.with_backend(L::NAME))?;
        url.clone_into(&mut config.url);
        Ok(Arc::new(SqlBackend::<L>::connect(config).await?) as _)
    })
}

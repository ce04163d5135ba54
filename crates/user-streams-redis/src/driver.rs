//! Registration with core.

use std::sync::Arc;

use user_streams_core::backend::{BackendDriver, ConnectArgs, ConnectFuture, register_backend};

use crate::{
    backend::RedisBackend,
    config::{NAME, RedisConfig},
};

/// The schemes of TLS too: without the feature `rustls` they are refused with its name.
const SCHEMES: &[&str] = &[
    "redis",
    "redis-cluster",
    "redis-sentinel",
    "redis+unix",
    "rediss",
    "rediss-cluster",
    "rediss-sentinel",
];

/// The driver of this crate, for a program that builds a
/// [`Registry`](user_streams_core::backend::Registry) of its own. Linking the crate registers it.
pub static DRIVER: BackendDriver = BackendDriver::new(NAME, SCHEMES, connect)
    .in_crate(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
register_backend!(DRIVER);

fn connect(args: ConnectArgs) -> ConnectFuture {
    Box::pin(async move {
        let mut config: RedisConfig = args.options.parse()?;
        config.live |= args.live;
        Ok(Arc::new(RedisBackend::connect(&args.url, config).await?) as _)
    })
}

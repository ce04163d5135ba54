//! From `memory://` to a backend.

use std::sync::Arc;

use super::backend::MemoryBackend;
use crate::{
    Error, ErrorKind,
    backend::{BackendDriver, ConnectArgs, ConnectFuture},
};

pub(crate) static DRIVER: BackendDriver = BackendDriver::new("memory", &["memory"], connect)
    .in_crate(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));

fn connect(args: ConnectArgs) -> ConnectFuture {
    Box::pin(async move {
        if args.url != "memory://" {
            return Err(Error::new(
                ErrorKind::InvalidSettings,
                "the URL of the memory backend is `memory://`, with nothing after it",
            ));
        }
        Ok(Arc::new(MemoryBackend::new(args.options.parse()?)) as _)
    })
}

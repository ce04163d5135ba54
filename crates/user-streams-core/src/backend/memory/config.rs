//! From `memory://` to a backend.

use std::sync::Arc;

use serde::Deserialize;

use super::MemoryBackend;
use crate::{
    Error, ErrorKind, UserIdKind,
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

/// The options of [`MemoryBackend`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct MemoryConfig {
    /// The kind of user ids, `bigint` by default.
    pub user_id: UserIdKind,
}

impl MemoryConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the kind of user ids.
    #[must_use]
    pub fn with_user_id(mut self, user_id: UserIdKind) -> Self {
        self.user_id = user_id;
        self
    }
}

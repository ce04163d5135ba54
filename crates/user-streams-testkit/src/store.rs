//! The store of one kind of user ids, and the connection that its cases share.

use std::{error::Error as StdError, sync::Arc};

use futures_util::future::BoxFuture;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use user_streams_core::{
    ErrorKind, UserIdKind,
    backend::{Backend, Capability},
};

pub(crate) type Failure = Box<dyn StdError + Send + Sync>;
pub(crate) type Connect =
    Arc<dyn Fn(UserIdKind) -> BoxFuture<'static, Result<Arc<dyn Backend>, Failure>> + Send + Sync>;

/// Connected to once, or tried once: a server that is down is not waited for by every case.
type Connection = Option<Result<Arc<dyn Backend>, String>>;

pub(crate) struct Store {
    pub(crate) kind: UserIdKind,
    connect: Connect,
    shared: RwLock<Connection>,
}

impl Store {
    pub(crate) fn new(kind: UserIdKind, connect: Connect) -> Self {
        Self { kind, connect, shared: RwLock::default() }
    }

    /// The shared connection. It stays open as long as the guard lives.
    pub(crate) async fn shared(
        &self,
    ) -> Result<(Arc<dyn Backend>, RwLockReadGuard<'_, Connection>), String> {
        let guard = self.shared.read().await;
        let guard = if guard.is_some() {
            guard
        } else {
            drop(guard);
            let mut guard = self.shared.write().await;
            if guard.is_none() {
                *guard = Some(self.open().await);
            }
            guard.downgrade()
        };
        // Nobody closes it between the two lines above.
        let backend = guard.clone().unwrap_or_else(|| Err("there is no connection".to_owned()))?;
        Ok((backend, guard))
    }

    /// The only connection there is, as long as the guard lives: the shared one is closed.
    pub(crate) async fn only(
        &self,
    ) -> Result<(Arc<dyn Backend>, RwLockWriteGuard<'_, Connection>), String> {
        let mut guard = self.shared.write().await;
        if let Some(shared) = guard.take() {
            let closed = shared?.close().await;
            closed.map_err(|error| format!("closing failed: {error:?}"))?;
        }
        Ok((self.open().await?, guard))
    }

    /// A connection to a store that is ready for use.
    async fn open(&self) -> Result<Arc<dyn Backend>, String> {
        let connected = (self.connect)(self.kind).await;
        let backend = connected.map_err(|error| format!("connecting failed: {error:?}"))?;
        let capabilities = backend.capabilities();
        if capabilities.user_id() != self.kind {
            return Err(format!(
                "asked for {} ids, and got a backend for {} ids",
                self.kind,
                capabilities.user_id()
            ));
        }
        if capabilities.has(Capability::Migrate) {
            match backend.migrate().await {
                // A case of its own tells that it is declared.
                Err(error) if error.kind() != ErrorKind::Unsupported => {
                    return Err(format!("migrating failed: {error:?}"));
                }
                _ => {}
            }
        }
        Ok(backend)
    }
}

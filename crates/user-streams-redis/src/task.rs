//! What several callers may wait for, and what goes on without them.

use std::{collections::HashMap, future::Future};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::{
    runtime::{Handle, Id},
    task::{AbortHandle, JoinSet},
};

/// A task that goes on when a caller who waits for it gives up, and ends when the last handle to it
/// is gone.
pub(crate) struct Task<T: Clone> {
    outcome: Shared<BoxFuture<'static, Option<T>>>,
    task: AbortHandle,
}

impl<T: Clone + Send + Sync + 'static> Task<T> {
    pub(crate) fn spawn(work: impl Future<Output = T> + Send + 'static) -> Self {
        // Unlike a handle, a set aborts its task when it is dropped.
        let mut set = JoinSet::new();
        let task = set.spawn(work);
        let outcome = async move { set.join_next().await.and_then(Result::ok) };
        Self { outcome: outcome.boxed().shared(), task }
    }

    /// What came of it; `None` if it was aborted, or ended with its runtime.
    pub(crate) async fn outcome(&self) -> Option<T> {
        self.outcome.clone().await
    }
}

impl<T: Clone> Task<T> {
    pub(crate) fn abort(&self) {
        self.task.abort();
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.task.is_finished()
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        self.outcome.ptr_eq(&other.outcome)
    }
}

impl<T: Clone> Clone for Task<T> {
    fn clone(&self) -> Self {
        Self { outcome: self.outcome.clone(), task: self.task.clone() }
    }
}

/// Something for each runtime. A task of one that does not run at the moment makes no progress, so
/// a call waits only for those of its own runtime.
pub(crate) type PerRuntime<T> = HashMap<Id, T>;

/// The runtime of the caller. There is one: `backend.rs` sees to it.
pub(crate) fn runtime() -> Id {
    Handle::current().id()
}

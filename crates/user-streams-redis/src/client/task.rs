//! Tasks that several callers may wait for, and that survive a caller who gives up.

use std::{collections::HashMap, future::Future};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::{
    runtime::{Handle, Id},
    task::{AbortHandle, JoinSet},
};

/// A task that continues when a caller stops waiting for it, and is aborted when the last handle is
/// dropped.
pub(crate) struct Task<T: Clone> {
    result: Shared<BoxFuture<'static, Option<T>>>,
    task: AbortHandle,
}

impl<T: Clone + Send + Sync + 'static> Task<T> {
    pub(crate) fn spawn(work: impl Future<Output = T> + Send + 'static) -> Self {
        // Unlike a `JoinHandle`, a `JoinSet` aborts its task when it is dropped.
        let mut set = JoinSet::new();
        let task = set.spawn(work);
        let result = async move { set.join_next().await.and_then(Result::ok) };
        Self { result: result.boxed().shared(), task }
    }

    /// Its result; `None` if it was aborted, or ended with its runtime.
    pub(crate) async fn result(&self) -> Option<T> {
        self.result.clone().await
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
        self.result.ptr_eq(&other.result)
    }
}

impl<T: Clone> Clone for Task<T> {
    fn clone(&self) -> Self {
        Self { result: self.result.clone(), task: self.task.clone() }
    }
}

/// One value per tokio runtime. A runtime that is not running makes no progress on its tasks, so a
/// call uses only those of its own runtime.
pub(crate) type PerRuntime<T> = HashMap<Id, T>;

/// The current runtime. There is one: `backend.rs` checks that.
pub(crate) fn runtime() -> Id {
    Handle::current().id()
}

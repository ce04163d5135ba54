//! Runs a future that owns its connection, and continues it for a while if the caller is dropped.

use std::{future::poll_fn, task::Poll, thread, time::Duration};

use futures_core::future::BoxFuture;
use tokio::{runtime::Handle, time::timeout};

/// How long an exchange continues after its caller was dropped.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Grace {
    /// This long; then it is dropped, which closes its connection.
    For(Duration),
    /// To its end, since the connection belongs to the application.
    UntilDone,
}

/// Runs `work`. If this future is dropped before the end, the work continues in a task, so that a
/// dropped call neither costs a connection nor leaves an answer half read.
pub(crate) async fn run<T: Send + 'static>(
    runtime: Handle,
    grace: Grace,
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    let mut exchange = Exchange { work: Some(Box::pin(work)), grace, runtime };
    let result = poll_fn(|context| match &mut exchange.work {
        Some(work) => work.as_mut().poll(context),
        None => Poll::Pending,
    })
    .await;
    exchange.work = None;
    result
}

struct Exchange<T: Send + 'static> {
    work: Option<BoxFuture<'static, T>>,
    grace: Grace,
    runtime: Handle,
}

impl<T: Send + 'static> Drop for Exchange<T> {
    fn drop(&mut self) {
        let Some(work) = self.work.take() else { return };
        // A future that has panicked must not be polled again.
        if thread::panicking() {
            return;
        }
        match self.grace {
            Grace::For(grace) if !grace.is_zero() => {
                self.runtime.spawn(async move { timeout(grace, work).await.is_ok() });
            }
            Grace::For(_) => {}
            Grace::UntilDone => {
                self.runtime.spawn(async move { drop(work.await) });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::sync::oneshot;

    use super::*;

    async fn dropped(grace: Grace) -> bool {
        let (resume, wait) = oneshot::channel::<()>();
        let (done, ended) = oneshot::channel();
        let work = async move {
            let _ = wait.await;
            let _ = done.send(());
        };
        assert!(run(Handle::current(), grace, work).now_or_never().is_none());
        let _ = resume.send(());
        ended.await.is_ok()
    }

    #[tokio::test]
    async fn dropped_work_continues_in_a_task_for_its_grace_period() {
        assert!(dropped(Grace::UntilDone).await);
        assert!(dropped(Grace::For(Duration::from_secs(5))).await);
        assert!(!dropped(Grace::For(Duration::ZERO)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_dropped_after_its_grace_period() {
        let (_never, wait) = oneshot::channel::<()>();
        let (held, closed) = oneshot::channel::<()>();
        let work = async move {
            let _ = wait.await;
            drop(held);
        };
        let grace = Grace::For(Duration::from_millis(250));
        assert!(run(Handle::current(), grace, work).now_or_never().is_none());
        assert!(closed.await.is_err());
    }
}

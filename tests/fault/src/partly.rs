//! Futures that are dropped before they end.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::timeout;

/// Runs a future for some polls or some time, then drops it; returns its output if it ended before.
pub(crate) async fn run_partly<F: Future + Unpin>(
    future: F,
    by_polls: bool,
    polls: u32,
    time: Duration,
) -> Option<F::Output> {
    if by_polls { Polls { future, left: polls }.await } else { timeout(time, future).await.ok() }
}

/// Polls a future a limited number of times.
struct Polls<F> {
    future: F,
    left: u32,
}

impl<F: Future + Unpin> Future for Polls<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match Pin::new(&mut self.future).poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => {
                self.left = self.left.saturating_sub(1);
                if self.left == 0 { Poll::Ready(None) } else { Poll::Pending }
            }
        }
    }
}

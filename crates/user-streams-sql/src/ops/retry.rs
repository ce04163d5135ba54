//! Trying again what another transaction was in the way of: deadlocks happen, and what writes here
//! may be repeated.

use user_streams_core::Result;

use super::Store;
use crate::{
    error::may_pass,
    pool::{Access, Executor, Limits},
};

const TRIES: u32 = 5;

/// Runs `work` on a connection that writes, `first` if there is one, up to five times.
pub(super) async fn retry<T, F>(
    store: &Store,
    limits: Limits,
    mut first: Option<Box<dyn Executor>>,
    work: impl Fn(Box<dyn Executor>) -> F,
) -> Result<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let mut tries = 1;
    loop {
        let on = match first.take() {
            Some(on) => on,
            None => store.pools.lease(Access::Write, limits).await?,
        };
        match store.pools.run_on(Access::Write, on, limits, &work).await {
            Err(error) if may_pass(&error) && tries < TRIES && !limits.is_over() => tries += 1,
            done => return done,
        }
    }
}

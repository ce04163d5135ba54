//! Retries after conflicts with other transactions, such as deadlocks. What writes here is
//! idempotent.

use user_streams_core::Result;

use super::Store;
use crate::{
    error::is_transaction_conflict,
    pool::{Access, Executor, Limits},
};

const MAX_ATTEMPTS: u32 = 5;

/// Runs `work` on a connection that writes, up to five times. `lease` is for the first attempt, if
/// there is one already.
pub(super) async fn retry<T, F>(
    store: &Store,
    limits: Limits,
    mut lease: Option<Box<dyn Executor>>,
    work: impl Fn(Box<dyn Executor>) -> F,
) -> Result<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let mut attempt = 1;
    loop {
        let executor = match lease.take() {
            Some(executor) => executor,
            None => store.pools.lease(Access::Write, limits).await?,
        };
        match store.pools.run_on(Access::Write, executor, limits, &work).await {
            Err(error)
                if is_transaction_conflict(&error)
                    && attempt < MAX_ATTEMPTS
                    && !limits.is_expired() =>
            {
                attempt += 1;
            }
            result => return result,
        }
    }
}

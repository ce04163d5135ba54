//! Whether the database answers.

use std::{sync::Arc, time::Duration};

use user_streams_core::{Error, ErrorKind, Result};

use super::Store;
use crate::{
    Dialect,
    pool::{Access, Executor, Limits},
};

/// How long it may take, waiting for a connection included.
const LIMIT: Duration = Duration::from_secs(1);

/// Asks the database for a constant. It is not counted among the calls that wait, so that under
/// load it says whether there is an answer rather than that others wait for one too.
pub(crate) async fn ping(store: &Arc<Store>) -> Result<()> {
    let limits = Limits::for_ping(LIMIT);
    let sql = match store.dialect() {
        // Without a table the file is not read.
        Dialect::Sqlite => "SELECT 1 FROM sqlite_schema LIMIT 1",
        _ => "SELECT 1",
    };
    let ask = |mut executor: Box<dyn Executor>| async move {
        executor.query(sql, Vec::new()).await.map(drop)
    };
    let answer = match store.pools.lease_uncounted(Access::Read, limits).await {
        Ok(executor) => store.pools.run_on(Access::Read, executor, limits, ask).await,
        Err(error) => Err(error),
    };
    answer.map_err(|error| match error.kind() {
        ErrorKind::Timeout | ErrorKind::Conflict => {
            let message = format!(
                "no answer from the database within {} s: it does not respond, or every \
                 connection is in use",
                LIMIT.as_secs()
            );
            Error::new(ErrorKind::Timeout, message).with_source(error)
        }
        _ => error,
    })
}

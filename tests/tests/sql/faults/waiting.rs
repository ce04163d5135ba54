//! More calls at once than a server can answer in time.

use futures_util::future::join_all;
use user_streams_core::{ErrorKind, Result};

use super::{handles, within};
use crate::database::TestDatabase;

crate::tests![calls_beyond_those_that_may_wait_are_refused_at_once];

const CONNECTIONS: u32 = 2;
const WAITING: usize = 5;
const CALLS: usize = 200;

/// How many were answered; the others were refused.
fn answered<T>(name: &str, calls: Vec<Result<T>>) -> usize {
    let refused: Vec<_> = calls.into_iter().filter_map(Result::err).collect();
    for error in &refused {
        assert_eq!(error.kind(), ErrorKind::Overloaded, "{name}: {error:?}");
        assert!(error.is_retryable() && error.message().contains("max_waiting"), "{name}: {error}");
    }
    CALLS - refused.len()
}

async fn calls_beyond_those_that_may_wait_are_refused_at_once(database: TestDatabase) {
    let config = database.config().with_max_waiting(WAITING);
    for handle in handles::handles(&config, CONNECTIONS).await {
        let (name, streams) = (handle.name(), &handle.streams);
        // All come before any has been answered.
        let adds = (0..CALLS).map(|_| streams.add_stream_item([1, 2], "item").into_future());
        let added = answered(name, within(20.0, name, join_all(adds)).await);
        let reads = (0..CALLS).map(|_| async { streams.get_stream_items(1).slice(..5).await });
        let read = answered(name, within(20.0, name, join_all(reads)).await);
        for answered in [added, read] {
            // Those that wait, and those that have a connection.
            assert!((WAITING..WAITING + 20).contains(&answered), "{name}: {answered} were answered");
        }
        assert_eq!(handle.stored(&database, 1).await, added as i64, "{name}");
        // Nobody is left waiting.
        assert_eq!(handle.add([1, 2], "after").await, 2, "{name}");
    }
}

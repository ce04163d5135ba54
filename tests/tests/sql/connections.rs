//! The backend's own pool: waiting calls get a connection, and closing and dropping work in any
//! state.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::{runtime::Runtime, time::timeout};
use user_streams_core::{Streams, backend::Backend};
use user_streams_many_to_many::{ManyToManyBackend, ManyToManyConfig};

use crate::database::TestDatabase;

crate::tests![
    a_transaction_gets_a_connection_that_reads_returned,
    closing_does_not_wait_for_idle_connections,
    a_backend_may_be_dropped_outside_of_its_runtime_and_after_it,
];

async fn backend(config: ManyToManyConfig) -> ManyToManyBackend {
    let config = config.with_max_connections(3).with_connect_timeout(Duration::from_secs(3));
    let backend = ManyToManyBackend::connect(config).await.unwrap();
    backend.migrate().await.unwrap();
    backend
}

/// Opens every connection of the pool.
async fn read_concurrently(streams: &Streams) {
    let reads = (0..8).map(|user| async move { streams.get_stream_items(user).count().await });
    for count in join_all(reads).await {
        assert_eq!(count.unwrap(), 0);
    }
}

async fn a_transaction_gets_a_connection_that_reads_returned(database: TestDatabase) {
    let streams = Streams::from_backend(backend(database.config()).await);
    read_concurrently(&streams).await;
    for _ in 0..3 {
        streams.delete_stream(1).await.unwrap();
        let streams = &streams;
        let adds =
            (0..6).map(|user| async move { streams.add_stream_item([1, user + 2], "item").await });
        for delivery in join_all(adds).await {
            assert_eq!(delivery.unwrap().delivered, 2);
        }
        assert_eq!(streams.get_stream_items(1).count().await.unwrap(), 6);
    }
}

async fn closing_does_not_wait_for_idle_connections(database: TestDatabase) {
    let streams = Streams::from_backend(backend(database.config()).await);
    read_concurrently(&streams).await;
    timeout(Duration::from_secs(3), streams.close()).await.unwrap().unwrap();
}

async fn a_backend_may_be_dropped_outside_of_its_runtime_and_after_it(database: TestDatabase) {
    let config = database.config();
    // A thread outside of any runtime.
    let thread = std::thread::spawn(move || {
        for runtime_first in [false, true] {
            let runtime = Runtime::new().unwrap();
            let streams = runtime.block_on(async {
                let streams = Streams::from_backend(backend(config.clone()).await);
                read_concurrently(&streams).await;
                streams
            });
            let runtime = (!runtime_first).then_some(runtime);
            drop(streams);
            drop(runtime);
        }
    });
    thread.join().unwrap();
}

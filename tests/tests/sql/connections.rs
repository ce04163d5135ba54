//! The backend's own pool: waiting calls get a connection, and closing and dropping work in any
//! state.

use std::{env, process::Command, time::Duration};

use futures_util::future::join_all;
use sea_orm::DbBackend;
use tokio::{runtime::Runtime, time::timeout};
use user_streams_core::{OnCorrupt, Streams, backend::Backend};
use user_streams_many_to_many::{ManyToManyBackend, ManyToManyConfig};
use user_streams_single_table::{SingleTableBackend, SingleTableConfig};

use crate::database::TestDatabase;

crate::tests![
    a_transaction_gets_a_connection_that_reads_returned,
    closing_does_not_wait_for_idle_connections,
    a_backend_may_be_dropped_outside_of_its_runtime_and_after_it,
    the_options_over_an_application_s_pool_come_from_the_environment,
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

/// In another process, which has variables of its own.
async fn the_options_over_an_application_s_pool_come_from_the_environment(database: TestDatabase) {
    const IS_SECOND: &str = "OPTIONS_OF_THE_ENVIRONMENT";
    const TEST: &str =
        "connections::the_options_over_an_application_s_pool_come_from_the_environment";
    if database.backend() != DbBackend::Sqlite {
        return;
    }
    if env::var_os(IS_SECOND).is_some() {
        return over_the_application_s_pool(database).await;
    }
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", &format!("sqlite::{TEST}")]).env(IS_SECOND, "");
    // Those of the tests belong to no backend.
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("USER_STREAMS_") {
            command.env_remove(name);
        }
    }
    command
        .env("USER_STREAMS_SINGLE_TABLE_TABLE", "of_the_environment")
        .env("USER_STREAMS_SINGLE_TABLE_USER_ID", "text")
        .env("USER_STREAMS_SINGLE_TABLE_ON_CORRUPT", "skip")
        .env("USER_STREAMS_MANY_TO_MANY_TABLE", "of_another_backend");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

async fn over_the_application_s_pool(database: TestDatabase) {
    let options = user_streams_single_table::DRIVER.options_from_env().unwrap();
    let config: SingleTableConfig = options.parse().unwrap();
    assert_eq!(config.on_corrupt, OnCorrupt::Skip);
    let pool = database.connection.clone();
    let streams = Streams::from_backend(SingleTableBackend::new(pool, config).unwrap());
    streams.migrate().await.unwrap();
    assert_eq!(streams.add_stream_item(["ann", "bob"], "hello").await.unwrap().delivered, 2);
    assert_eq!(database.number("SELECT COUNT(*) FROM of_the_environment").await, 2);
}

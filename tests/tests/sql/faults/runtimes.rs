//! One handle on several runtimes, as in tests with `#[tokio::test]`, which has a runtime per test.

use std::thread;

use futures_util::future::join_all;
use sea_orm::DbBackend;
use tokio::runtime::{Builder, Runtime};
use user_streams_single_table::SingleTableConfig;

use super::{
    handles::{self, Handle, LAYOUTS},
    within,
};
use crate::database::TestDatabase;

crate::tests![
    a_handle_serves_one_runtime_after_the_other,
    a_handle_serves_several_runtimes_in_turn,
    a_database_in_memory_serves_one_runtime_after_the_other,
    a_database_in_memory_serves_several_runtimes_in_turn,
];

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// On a thread outside of any runtime.
async fn on_a_thread(work: impl FnOnce() + Send + 'static) {
    let (done, ended) = tokio::sync::oneshot::channel::<()>();
    let thread = thread::spawn(move || {
        let _done = done;
        work();
    });
    // Dropped at the end, or by a panic.
    let _ = within(30.0, "the runtimes", ended).await;
    thread.join().unwrap();
}

async fn opened(config: SingleTableConfig) -> Vec<Handle> {
    let mut handles = Vec::new();
    for layout in LAYOUTS {
        handles.push(handles::own_unmigrated(layout, config.clone()).await.migrated().await);
    }
    handles
}

/// Several concurrent calls, in the round of this number.
async fn calls(handles: &[Handle], round: usize) {
    for handle in handles {
        let name = format!("{} in round {round}", handle.name());
        let adds = (0..4).map(|user| handle.add([user, user + 10], "item"));
        let delivered = within(10.0, &name, join_all(adds)).await;
        assert_eq!(delivered, [2; 4], "{name}");
        for user in 0..4 {
            let contents = within(10.0, &name, handle.contents(user)).await;
            assert_eq!(contents.len(), round, "{name}");
        }
    }
}

fn one_after_the_other(config: SingleTableConfig) -> impl FnOnce() + Send + 'static {
    move || {
        let handles = runtime().block_on(opened(config));
        for round in 1..=4 {
            runtime().block_on(calls(&handles, round));
        }
    }
}

fn in_turn(config: SingleTableConfig) -> impl FnOnce() + Send + 'static {
    move || {
        let runtimes = [runtime(), runtime(), runtime()];
        let handles = runtimes[0].block_on(opened(config));
        for round in 1..=9 {
            runtimes[round % 3].block_on(calls(&handles, round));
        }
    }
}

async fn a_handle_serves_one_runtime_after_the_other(database: TestDatabase) {
    on_a_thread(one_after_the_other(database.config())).await;
}

async fn a_handle_serves_several_runtimes_in_turn(database: TestDatabase) {
    on_a_thread(in_turn(database.config())).await;
}

async fn a_database_in_memory_serves_one_runtime_after_the_other(database: TestDatabase) {
    if database.backend() == DbBackend::Sqlite {
        on_a_thread(one_after_the_other(SingleTableConfig::new("sqlite::memory:"))).await;
    }
}

async fn a_database_in_memory_serves_several_runtimes_in_turn(database: TestDatabase) {
    if database.backend() == DbBackend::Sqlite {
        on_a_thread(in_turn(SingleTableConfig::new("sqlite::memory:"))).await;
    }
}

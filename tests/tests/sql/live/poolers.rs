//! Behind PgBouncer.

use std::time::Duration;

use sea_orm::ConnectionTrait;
use user_streams_core::ErrorKind;
use user_streams_single_table::SingleTableConfig;

use super::{NEVER, is_postgres, next, subscribed};
use crate::{
    database::{TestDatabase, connect},
    faults::handles::{LAYOUTS, own_in},
    poolers::{LENIENT_TRANSACTION, MODES, TRANSACTION, pooler},
};

crate::tests![
    through_a_pooler_of_transactions_what_comes_is_asked_for,
    through_a_pooler_of_sessions_it_is_told,
    no_session_of_a_pooler_is_left_listening,
];

fn config(url: &str, layout: impl std::fmt::Debug, number: usize) -> SingleTableConfig {
    let table = format!("{layout:?}_{number}").to_lowercase();
    SingleTableConfig::new(url).with_table(table).with_max_connections(3).with_live(true)
}

async fn through_a_pooler_of_transactions_what_comes_is_asked_for(database: TestDatabase) {
    if !is_postgres(&database) {
        return;
    }
    for (number, settings) in [TRANSACTION, LENIENT_TRANSACTION].into_iter().enumerate() {
        let pooler = pooler(&database, settings).await.unwrap();
        for layout in LAYOUTS {
            let handle = own_in(layout, config(&pooler.url, layout, number)).await.migrated().await;
            let error = handle.backend().watch().await.map(drop).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
            assert!(error.message().contains("pool_mode"), "{error}");
            let streams = handle.streams.clone().with_poll_interval(Duration::from_millis(50));
            let mut live = subscribed(&streams, streams.get_stream_items(7)).await;
            let direct = own_in(layout, config(&database.url, layout, number)).await;
            direct.add(7, "asked for").await;
            assert_eq!(next(&mut live, handle.name()).await, "asked for");
        }
    }
}

async fn through_a_pooler_of_sessions_it_is_told(database: TestDatabase) {
    if !is_postgres(&database) {
        return;
    }
    for (number, settings) in MODES.into_iter().take(2).enumerate() {
        let pooler = pooler(&database, settings).await.unwrap();
        for layout in LAYOUTS {
            let handle = own_in(layout, config(&pooler.url, layout, number)).await.migrated().await;
            let streams = handle.streams.clone().with_poll_interval(NEVER);
            let mut live = subscribed(&streams, streams.get_stream_items(7)).await;
            let other = own_in(layout, config(&pooler.url, layout, number)).await;
            for (content, users) in [("one", 1), ("many", 3_000)] {
                other.add((7..7 + users).collect::<Vec<i64>>(), content).await;
                assert_eq!(next(&mut live, handle.name()).await, content);
            }
        }
    }
}

async fn no_session_of_a_pooler_is_left_listening(database: TestDatabase) {
    const LEFT: &str = "DO $$ BEGIN IF EXISTS (SELECT pg_listening_channels()) THEN RAISE \
         EXCEPTION 'something listens'; END IF; END $$";
    // One session for all.
    let settings: &[&str] = &[
        "pool_mode = transaction",
        "default_pool_size = 1",
        "ignore_startup_parameters = extra_float_digits",
    ];
    if !is_postgres(&database) {
        return;
    }
    let pooler = pooler(&database, settings).await.unwrap();
    for layout in LAYOUTS {
        let handle = own_in(layout, config(&pooler.url, layout, 0)).await.migrated().await;
        let error = handle.backend().watch().await.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
        connect(&pooler.url, 1).await.execute_unprepared(LEFT).await.unwrap();
    }
}

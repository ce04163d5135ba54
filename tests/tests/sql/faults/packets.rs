//! A small `max_allowed_packet` of MySQL and MariaDB, on a server of the test's own.

use sea_orm::DbBackend;
use user_streams_core::{ErrorKind, UserIdKind};
use user_streams_single_table::SingleTableConfig;

use super::{
    handles::{self, Handle},
    own_server::OwnServer,
    within,
};
use crate::database::TestDatabase;

crate::tests![broadcasts_and_contents_fit_a_small_packet];

const PACKET: usize = 1 << 20;

/// One test, since each server takes seconds to start.
async fn broadcasts_and_contents_fit_a_small_packet(database: TestDatabase) {
    if database.backend() != DbBackend::MySql {
        return;
    }
    let options = [format!("--max-allowed-packet={PACKET}")];
    let Some(server) = OwnServer::start(&options.each_ref().map(String::as_str)).await else {
        return;
    };
    let numbers = SingleTableConfig::new(&server.url);
    let names = numbers.clone().with_user_id(UserIdKind::Text);
    for handle in handles::handles(&numbers, 3).await {
        many_ids_of_19_digits_are_delivered(&handle).await;
        a_content_that_cannot_fit_is_refused(&handle).await;
    }
    for handle in handles_of_names(&names).await {
        many_ids_of_60_bytes_are_delivered(&handle).await;
    }
}

/// In tables of their own, beside those of the numbers.
async fn handles_of_names(config: &SingleTableConfig) -> Vec<Handle> {
    let admin = crate::database::connect(&config.url, 1).await;
    for sql in ["CREATE DATABASE names CHARACTER SET utf8mb4"] {
        sea_orm::ConnectionTrait::execute_unprepared(&admin, sql).await.unwrap();
    }
    let (base, _) = config.url.rsplit_once('/').unwrap();
    let mut config = config.clone();
    config.url = format!("{base}/names");
    handles::handles(&config, 3).await
}

async fn many_ids_of_19_digits_are_delivered(handle: &Handle) {
    let users: Vec<_> = (0..60_000).map(|number| i64::MAX - number).collect();
    let delivered = within(20.0, handle.name(), handle.add(users, "to many")).await;
    assert_eq!(delivered, 60_000, "{}", handle.name());
    // With a content that leaves less room for them.
    let users: Vec<_> = (0..60_000).map(|number| i64::MAX - number).collect();
    let long = "x".repeat(if handle.layout == handles::Layout::ManyToMany { 500_000 } else { 2_000 });
    let delivered = within(20.0, handle.name(), handle.add(users, long)).await;
    assert_eq!(delivered, 60_000, "{}", handle.name());
}

async fn many_ids_of_60_bytes_are_delivered(handle: &Handle) {
    let users: Vec<_> = (0..10_000).map(|number| format!("{number:060}")).collect();
    let delivered = within(20.0, handle.name(), handle.add(users, "to many")).await;
    assert_eq!(delivered, 10_000, "{}", handle.name());
}

async fn a_content_that_cannot_fit_is_refused(handle: &Handle) {
    let name = handle.name();
    for users in [vec![1], vec![1, 2]] {
        let add = handle.streams.add_stream_item(users.clone(), "x".repeat(PACKET));
        let error = within(10.0, name, add).await.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidContent, "{name}: {error:?}");
        assert!(!error.is_retryable(), "{name}: {error:?}");
        assert!(error.to_string().contains("max_allowed_packet"), "{name}: {error}");
        let fits = "x".repeat(PACKET - 50_000);
        let delivered = within(10.0, name, handle.add(users.clone(), &*fits)).await;
        assert_eq!(delivered, users.len() as u64, "{name}");
        assert_eq!(handle.contents(1).await[0].len(), fits.len(), "{name}");
    }
}

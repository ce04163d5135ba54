//! A small `max_allowed_packet` of MySQL and MariaDB, on a server for these tests alone.

use sea_orm::{ConnectionTrait, DbBackend};
use tokio::sync::OnceCell;
use user_streams_core::{ErrorKind, UserIdKind};
use user_streams_single_table::SingleTableConfig;

use super::{
    handles::{self, Handle, Layout},
    own_server::OwnServer,
    within,
};
use crate::database::{TestDatabase, connect};

crate::tests![
    many_ids_of_19_digits_are_delivered_in_small_packets,
    many_ids_of_60_bytes_are_delivered_in_small_packets,
    content_larger_than_a_packet_is_refused,
    content_that_fits_into_a_packet_is_stored,
];

const PACKET: usize = 1 << 20;

/// Both layouts over both kinds of pools, in a database of this name; none but on MySQL.
async fn handles(database: &TestDatabase, name: &str, user_id: UserIdKind) -> Vec<Handle> {
    static SERVER: OnceCell<OwnServer> = OnceCell::const_new();
    if database.backend() != DbBackend::MySql {
        return Vec::new();
    }
    let option = format!("--max-allowed-packet={PACKET}");
    let server = SERVER.get_or_init(|| OwnServer::start(&option)).await;
    let admin = connect(&server.url, 1).await;
    let sql = format!("CREATE DATABASE {name} CHARACTER SET utf8mb4");
    admin.execute_unprepared(&sql).await.unwrap();
    let (base, _) = server.url.rsplit_once('/').unwrap();
    let config = SingleTableConfig::new(format!("{base}/{name}")).with_user_id(user_id);
    handles::handles(&config, 3).await
}

async fn many_ids_of_19_digits_are_delivered_in_small_packets(database: TestDatabase) {
    for handle in handles(&database, "numbers", UserIdKind::BigInt).await {
        // The second leaves less room for the ids, if the content is in the same statement.
        let long = if handle.layout == Layout::ManyToMany { 500_000 } else { 2_000 };
        for content in ["short".to_owned(), "x".repeat(long)] {
            let users: Vec<_> = (0..60_000).map(|number| i64::MAX - number).collect();
            let delivered = within(20.0, handle.name(), handle.add(users, content)).await;
            assert_eq!(delivered, 60_000, "{}", handle.name());
        }
    }
}

async fn many_ids_of_60_bytes_are_delivered_in_small_packets(database: TestDatabase) {
    for handle in handles(&database, "names", UserIdKind::Text).await {
        let users: Vec<_> = (0..10_000).map(|number| format!("{number:060}")).collect();
        let delivered = within(20.0, handle.name(), handle.add(users, "to many")).await;
        assert_eq!(delivered, 10_000, "{}", handle.name());
    }
}

async fn content_larger_than_a_packet_is_refused(database: TestDatabase) {
    for handle in handles(&database, "too_long", UserIdKind::BigInt).await {
        for users in [vec![1], vec![1, 2]] {
            let name = format!("{} to {}", handle.name(), users.len());
            let add = handle.streams.add_stream_item(users, "x".repeat(PACKET));
            let error = within(10.0, &name, add).await.map(drop).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidContent, "{name}: {error:?}");
            assert!(!error.is_retryable(), "{name}: {error:?}");
            assert!(error.to_string().contains("max_allowed_packet"), "{name}: {error}");
            assert_eq!(handle.add(3, "after").await, 1, "{name}");
        }
    }
}

async fn content_that_fits_into_a_packet_is_stored(database: TestDatabase) {
    for handle in handles(&database, "fitting", UserIdKind::BigInt).await {
        let content = "x".repeat(PACKET - 50_000);
        for users in [vec![1], vec![2, 3]] {
            let (last, count) = (users[users.len() - 1], users.len() as u64);
            let add = handle.add(users, &*content);
            assert_eq!(within(10.0, handle.name(), add).await, count, "{}", handle.name());
            assert_eq!(handle.contents(last).await[0].len(), content.len(), "{}", handle.name());
        }
    }
}

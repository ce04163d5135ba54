//! Logins that lack a privilege.

use user_streams_core::{ErrorKind, Streams};
use user_streams_many_to_many::ManyToManyBackend;
use user_streams_single_table::{SingleTableBackend, SingleTableConfig};

use super::{role::Role, says};
use crate::{database::TestDatabase, faults::handles};

crate::tests![
    a_login_with_read_privileges_can_read,
    a_login_without_read_privileges_is_a_clear_error
];

async fn streams(role: &Role) -> Vec<Streams> {
    let config = SingleTableConfig::new(&role.url);
    let single =
        SingleTableBackend::connect(config.clone().with_table("own_single")).await.unwrap();
    let many = ManyToManyBackend::connect(config.with_table("own_many")).await.unwrap();
    vec![Streams::from_backend(single), Streams::from_backend(many)]
}

async fn a_login_with_read_privileges_can_read(database: TestDatabase) {
    let Some(role) = Role::create(&database, "reads", "").await else { return };
    for handle in handles::own(&database.config(), 2).await {
        handle.add(1, "there").await;
    }
    role.grant(&database, "SELECT").await;
    for streams in streams(&role).await {
        assert_eq!(streams.get_stream_items(1).count().await.unwrap(), 1);
        let add = streams.add_stream_item(1, "not there").await.map(drop).unwrap_err();
        let many = streams.add_stream_item([1, 2], "not there").await.map(drop).unwrap_err();
        let delete = streams.delete_stream(1).await.map(drop).unwrap_err();
        for error in [add, many, delete] {
            says("a write", &error, ErrorKind::InvalidSettings, false, "lacks a privilege");
            // The cause names it.
            assert!(format!("{error:?}").contains("denied"), "{error:?}");
        }
        assert_eq!(streams.get_stream_items(1).count().await.unwrap(), 1);
    }
}

async fn a_login_without_read_privileges_is_a_clear_error(database: TestDatabase) {
    let Some(role) = Role::create(&database, "blind", "").await else { return };
    handles::own(&database.config(), 2).await;
    for streams in streams(&role).await {
        let error = streams.get_stream_items(1).count().await.unwrap_err();
        says("a read", &error, ErrorKind::InvalidSettings, false, "lacks a privilege");
    }
}

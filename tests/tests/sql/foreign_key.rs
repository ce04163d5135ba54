//! The optional foreign key to the application's users.

use user_streams_core::{ErrorKind, Streams, backend::Backend};
use user_streams_many_to_many::ManyToManyBackend;
use user_streams_single_table::SingleTableBackend;

use crate::database::TestDatabase;

crate::tests![
    deleting_a_user_deletes_the_users_items,
    an_unknown_recipient_is_refused_and_nothing_is_stored,
    of_concurrent_adds_only_those_to_unknown_users_fail
];

async fn both(database: &TestDatabase) -> [Streams; 2] {
    database.run("CREATE TABLE people (id BIGINT NOT NULL PRIMARY KEY)").await;
    database.run("INSERT INTO people VALUES (1), (2), (3)").await;
    let config = database.config().with_users("people.id");
    let single = SingleTableBackend::connect(config.clone()).await.unwrap();
    let many = ManyToManyBackend::connect(config).await.unwrap();
    single.migrate().await.unwrap();
    many.migrate().await.unwrap();
    [Streams::from_backend(single), Streams::from_backend(many)]
}

async fn deleting_a_user_deletes_the_users_items(database: TestDatabase) {
    let backends = both(&database).await;
    for streams in &backends {
        streams.add_stream_item([1, 2], "to both").await.unwrap();
        streams.add_stream_item(1, "to one").await.unwrap();
    }
    database.run("DELETE FROM people WHERE id = 1").await;
    for streams in &backends {
        assert_eq!(streams.get_stream_items(1).count().await.unwrap(), 0);
        assert_eq!(streams.get_stream_items(2).count().await.unwrap(), 1);
    }
    // The item that only user 1 had is left for `purge`.
    assert_eq!(database.number("SELECT COUNT(*) FROM user_streams_many_to_many_items").await, 2);
    assert_eq!(backends[1].purge().await.unwrap(), 1);
    assert_eq!(database.number("SELECT COUNT(*) FROM user_streams_many_to_many_items").await, 1);
}

async fn an_unknown_recipient_is_refused_and_nothing_is_stored(database: TestDatabase) {
    for streams in both(&database).await {
        let one = streams.add_stream_item(9, "to nobody").await.map(|_| ()).unwrap_err();
        let many = streams.add_stream_item([1, 9], "to nobody").await.map(|_| ()).unwrap_err();
        for error in [one, many] {
            assert_eq!(error.kind(), ErrorKind::InvalidUserId, "{error:?}");
            assert!(error.to_string().contains("users"), "{error}");
        }
        assert_eq!(streams.get_stream_items(1).count().await.unwrap(), 0);
    }
    assert_eq!(database.number("SELECT COUNT(*) FROM user_streams_many_to_many_items").await, 0);
}

async fn of_concurrent_adds_only_those_to_unknown_users_fail(database: TestDatabase) {
    for streams in both(&database).await {
        let adds = (0..40).map(|n| {
            let user = if n % 5 == 4 { 9 } else { 1 };
            let streams = streams.clone();
            tokio::spawn(async move { (user, streams.add_stream_item(user, format!("{n}")).await) })
        });
        for added in futures_util::future::join_all(adds.collect::<Vec<_>>()).await {
            match added.unwrap() {
                (1, delivery) => assert_eq!(delivery.unwrap().delivered, 1),
                (_, refused) => {
                    assert_eq!(refused.map(|_| ()).unwrap_err().kind(), ErrorKind::InvalidUserId);
                }
            }
        }
        assert_eq!(streams.get_stream_items(1).count().await.unwrap(), 32);
    }
}

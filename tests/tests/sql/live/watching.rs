//! Subscribers, of whom each backend has those of its own process.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, future::join_all};
use sea_orm::TransactionTrait;
use user_streams_core::{
    ErrorKind, NewItem, Recipients, UserId,
    backend::{BulkAdd, Capability, Hint},
    everyone,
};

use super::{NEVER, another, ended, is_postgres, listener, next, subscribed, tellers};
use crate::{
    database::{TestDatabase, connect},
    faults::{
        handles::{handles, own_in},
        within,
    },
};

crate::tests![
    what_another_connection_adds_is_told_at_once,
    a_transaction_is_told_when_it_commits,
    feeds_and_audiences_are_told,
    one_connection_serves_all_and_ends_with_the_last_subscriber,
    closing_the_backend_ends_it,
    without_the_option_it_is_unsupported,
    elsewhere_what_comes_is_asked_for,
    what_is_not_understood_may_be_anything,
    a_slow_reader_is_told_that_it_has_missed_something,
];

async fn what_another_connection_adds_is_told_at_once(database: TestDatabase) {
    if !is_postgres(&database) {
        return;
    }
    for handle in handles(&database.config().with_live(true), 3).await {
        let streams = handle.streams.clone().with_poll_interval(NEVER);
        let mut live = subscribed(&streams, streams.get_stream_items(7)).await;
        let other = another(&database, &handle).await;
        let started = Instant::now();
        other.add(8, "of another").await;
        other.add(7, "one").await;
        assert_eq!(next(&mut live, handle.name()).await, "one");
        other.add([6, 7], "two").await;
        assert_eq!(next(&mut live, handle.name()).await, "two");
        other.add(Recipients::iter(8_i64..=5_000), "of others").await;
        other.add(Recipients::iter(1_i64..=100_000), "all").await;
        assert_eq!(next(&mut live, handle.name()).await, "all");
        for users in [7..=7, 1..=500] {
            let rows = users.map(|user: i64| (UserId::Int(user), NewItem::new("a row")));
            other.backend().bulk_add(BulkAdd::new(rows.collect()).unwrap()).await.unwrap();
            assert_eq!(next(&mut live, handle.name()).await, "a row");
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
        other.add(7, "the last").await;
        assert_eq!(next(&mut live, handle.name()).await, "the last");
    }
}

async fn a_transaction_is_told_when_it_commits(database: TestDatabase) {
    if !is_postgres(&database) {
        return;
    }
    let pool = connect(&database.url, 4).await;
    for handle in handles(&database.config().with_live(true), 3).await {
        let streams = handle.streams.clone().with_poll_interval(NEVER);
        let mut live = subscribed(&streams, streams.get_stream_items(7)).await;
        let other = another(&database, &handle).await;
        for content in ["rolled back", "committed"] {
            let transaction = pool.begin().await.unwrap();
            let writes = other.streams.in_transaction(&transaction).unwrap();
            writes.add_stream_item(7, content).await.unwrap();
            other.add(7, "beside it").await;
            assert_eq!(next(&mut live, handle.name()).await, "beside it");
            if content == "committed" {
                transaction.commit().await.unwrap();
                assert_eq!(next(&mut live, handle.name()).await, content);
            } else {
                transaction.rollback().await.unwrap();
            }
        }
    }
}

async fn feeds_and_audiences_are_told(database: TestDatabase) {
    if !is_postgres(&database) {
        return;
    }
    for handle in tellers(&database, "audiences").await {
        let with = |streams: &user_streams_core::Streams| {
            let streams = streams.clone().with_poll_interval(NEVER).with_audiences(true).unwrap();
            streams.with_feeds(["news"]).unwrap()
        };
        let streams = with(&handle.streams);
        streams.migrate().await.unwrap();
        let other = with(&another(&database, &handle).await.streams);
        let news = streams.feed("news").unwrap();
        let mut of_news = subscribed(&news, news.get_stream_items(7)).await;
        let mut of_many = Vec::new();
        for user in 0..20 {
            of_many.push(subscribed(&streams, streams.get_stream_items(user)).await);
        }
        let session = listener(&database).await;
        other.feed("news").unwrap().add_stream_item(7, "news").await.unwrap();
        assert_eq!(next(&mut of_news, handle.name()).await, "news");
        other.add_stream_item(everyone(), "to all").await.unwrap();
        let all = of_many.iter_mut().map(|live| next(live, handle.name()));
        assert!(join_all(all).await.iter().all(|content| content == "to all"));
        drop((of_news, of_many));
        ended(&database, session).await;
    }
}

async fn one_connection_serves_all_and_ends_with_the_last_subscriber(database: TestDatabase) {
    if !is_postgres(&database) {
        return;
    }
    for handle in handles(&database.config().with_live(true), 3).await {
        let streams = handle.streams.clone().with_poll_interval(NEVER);
        let first = subscribed(&streams, streams.get_stream_items(1)).await;
        let second = subscribed(&streams, streams.get_stream_items(2)).await;
        let session = listener(&database).await;
        drop(first);
        let other = another(&database, &handle).await;
        let mut second = second;
        other.add(2, "still told").await;
        assert_eq!(next(&mut second, handle.name()).await, "still told");
        drop(second);
        ended(&database, session).await;
        let mut again = subscribed(&streams, streams.get_stream_items(3)).await;
        other.add(3, "again").await;
        assert_eq!(next(&mut again, handle.name()).await, "again");
        let session = listener(&database).await;
        drop(again);
        ended(&database, session).await;
    }
}

async fn closing_the_backend_ends_it(database: TestDatabase) {
    if !is_postgres(&database) {
        return;
    }
    for handle in handles(&database.config().with_live(true), 3).await {
        let mut hints = handle.backend().watch().await.unwrap();
        let session = listener(&database).await;
        handle.streams.close().await.unwrap();
        let end = within(5.0, "the end", hints.next()).await.unwrap().unwrap_err();
        assert_eq!(end.kind(), ErrorKind::Connection, "{end:?}");
        assert!(hints.next().await.is_none());
        ended(&database, session).await;
    }
}

async fn without_the_option_it_is_unsupported(database: TestDatabase) {
    for handle in handles(&database.config(), 1).await {
        assert!(!handle.streams.capabilities().has(Capability::Watch), "{}", handle.name());
        let error = handle.backend().watch().await.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
    }
}

async fn elsewhere_what_comes_is_asked_for(database: TestDatabase) {
    if is_postgres(&database) {
        return;
    }
    for handle in handles(&database.config().with_live(true), 3).await {
        assert!(!handle.streams.capabilities().has(Capability::Watch), "{}", handle.name());
        let streams = handle.streams.clone().with_poll_interval(Duration::from_millis(30));
        let mut live = subscribed(&streams, streams.get_stream_items(7)).await;
        let config = database.config().with_table(&handle.table).with_live(true);
        let other = own_in(handle.layout, config).await;
        other.add([6, 7], "by another connection").await;
        assert_eq!(next(&mut live, handle.name()).await, "by another connection");
    }
}

async fn what_is_not_understood_may_be_anything(database: TestDatabase) {
    if !is_postgres(&database) {
        return;
    }
    let news = || "news".parse::<user_streams_core::Name>().unwrap();
    for handle in tellers(&database, "strange").await {
        handle.backend().feed(&news(), handle.kind()).unwrap();
        let mut hints = handle.backend().watch().await.unwrap();
        let tell = async |text: &str| {
            database.run(&format!("NOTIFY \"{}\", '{text}'", super::channel(&handle))).await;
        };
        tell("nobody knows what").await;
        for feed in [None, Some(news())] {
            let hint = within(5.0, "a hint", hints.next()).await.unwrap().unwrap();
            assert_eq!(hint, Hint::new(feed), "it may be of any feed");
        }
        tell(r#"{"v":2,"f":"news","of":"a later version"}"#).await;
        let hint = within(5.0, "a hint", hints.next()).await.unwrap().unwrap();
        assert_eq!(hint, Hint::new(Some(news())));
    }
}

async fn a_slow_reader_is_told_that_it_has_missed_something(database: TestDatabase) {
    if !is_postgres(&database) {
        return;
    }
    let [handle, ..] = &tellers(&database, "slow").await[..] else { panic!("both layouts") };
    let mut hints = handle.backend().watch().await.unwrap();
    let many = format!(
        "SELECT COUNT(pg_notify('{}', '{{\"v\":1,\"i\":[1,' || n || ']}}')::text) FROM \
         generate_series(1, 20000) AS n",
        super::channel(handle)
    );
    let session = listener(&database).await;
    database.number(&many).await;
    ended(&database, session).await;
    let mut count = 0;
    let error = loop {
        match within(5.0, "a hint", hints.next()).await.unwrap() {
            Ok(_) => count += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Overloaded, "{error:?}");
    assert!((1..20_000).contains(&count), "{count}");
}

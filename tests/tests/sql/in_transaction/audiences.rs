//! Serving audiences in the application's transaction.

use user_streams_core::{ErrorKind, NewItem, Streams, audience, everyone};

use super::{Application, orders, run};
use crate::{database::TestDatabase, faults::handles::Handle};

crate::tests![
    an_audience_is_served_with_the_transaction,
    an_item_is_taken_from_an_audience_with_the_transaction,
    what_is_hidden_is_hidden_with_the_transaction,
    an_audience_without_the_setting_leaves_the_transaction_usable,
];

async fn with_audiences(handle: &Handle) -> Streams {
    let streams = handle.streams.clone().with_audiences(true).unwrap();
    streams.migrate().await.unwrap();
    streams
}

/// What a user has who belongs to the audience.
async fn contents(streams: &Streams) -> Vec<String> {
    let items = streams.get_stream_items(7).with_audiences(["a"]).await.unwrap();
    items.into_iter().map(|item| item.content).collect()
}

async fn an_audience_is_served_with_the_transaction(database: TestDatabase) {
    let application = Application::new(&database).await;
    for handle in &application.handles {
        let streams = with_audiences(handle).await;
        let item = NewItem::new("to all");
        for commit in [false, true] {
            let txn = application.begin().await;
            run(&txn, "INSERT INTO orders VALUES (1)").await;
            {
                let writes = streams.in_transaction(&txn).unwrap();
                let all = [everyone(), audience("a")];
                let sent = writes.add_stream_item(all.clone(), item.clone()).await.unwrap();
                assert_eq!(sent.delivered, 2, "{}", handle.name());
                let again = writes.add_stream_item(all, item.clone()).await.unwrap();
                assert_eq!(again.delivered, 0, "{}", handle.name());
            }
            let ended = if commit { txn.commit().await } else { txn.rollback().await };
            ended.unwrap();
            let there = u8::from(commit);
            assert_eq!(orders(&database).await, i64::from(there));
            let expected = vec!["to all"; usize::from(there)];
            assert_eq!(contents(&streams).await, expected, "{}", handle.name());
        }
        database.run("DELETE FROM orders").await;
    }
}

async fn an_item_is_taken_from_an_audience_with_the_transaction(database: TestDatabase) {
    let application = Application::new(&database).await;
    for handle in &application.handles {
        let streams = with_audiences(handle).await;
        let all = || [everyone(), audience("a")];
        let sent = streams.add_stream_item(all(), "to all").await.unwrap();
        for commit in [false, true] {
            let txn = application.begin().await;
            {
                let writes = streams.in_transaction(&txn).unwrap();
                let removed = writes.remove_stream_item(all(), sent.item).await.unwrap();
                assert_eq!(removed, 2, "{}", handle.name());
            }
            let ended = if commit { txn.commit().await } else { txn.rollback().await };
            ended.unwrap();
            let expected = vec!["to all"; (!commit).into()];
            assert_eq!(contents(&streams).await, expected, "{}", handle.name());
        }
    }
}

async fn what_is_hidden_is_hidden_with_the_transaction(database: TestDatabase) {
    let application = Application::new(&database).await;
    for handle in &application.handles {
        let streams = with_audiences(handle).await.with_dismissals(true).unwrap();
        let streams = streams.with_retractions(true).unwrap();
        streams.migrate().await.unwrap();
        let dismissed = streams.add_stream_item(everyone(), "dismissed").await.unwrap().item;
        let retracted = streams.add_stream_item(everyone(), "retracted").await.unwrap().item;
        for commit in [false, true] {
            let txn = application.begin().await;
            {
                let writes = streams.in_transaction(&txn).unwrap();
                assert!(writes.dismiss(7, dismissed).await.unwrap(), "{}", handle.name());
                assert!(!writes.dismiss(7, dismissed).await.unwrap(), "{}", handle.name());
                assert!(writes.retract(retracted).await.unwrap(), "{}", handle.name());
            }
            let ended = if commit { txn.commit().await } else { txn.rollback().await };
            ended.unwrap();
            let there = vec!["retracted", "dismissed"];
            let expected = if commit { Vec::new() } else { there };
            assert_eq!(contents(&streams).await, expected, "{}", handle.name());
        }
        let txn = application.begin().await;
        {
            let writes = streams.in_transaction(&txn).unwrap();
            assert!(writes.undismiss(7, dismissed).await.unwrap(), "{}", handle.name());
            assert!(writes.unretract(retracted).await.unwrap(), "{}", handle.name());
            assert!(!writes.unretract(retracted).await.unwrap(), "{}", handle.name());
        }
        txn.commit().await.unwrap();
        assert_eq!(contents(&streams).await, ["retracted", "dismissed"], "{}", handle.name());
    }
}

async fn an_audience_without_the_setting_leaves_the_transaction_usable(database: TestDatabase) {
    let application = Application::new(&database).await;
    for handle in &application.handles {
        let txn = application.begin().await;
        {
            let writes = handle.streams.in_transaction(&txn).unwrap();
            let error = writes.add_stream_item(everyone(), "to all").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
            assert!(error.message().contains("`audiences`"), "{error}");
            let sent = writes.add_stream_item([1, 2], "to two").await.unwrap();
            assert_eq!(sent.delivered, 2, "{}", handle.name());
        }
        txn.commit().await.unwrap();
        assert_eq!(handle.contents(1).await, ["to two"], "{}", handle.name());
    }
}

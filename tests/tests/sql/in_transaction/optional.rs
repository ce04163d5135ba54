//! Removing, deleting, adding many and marking in the application's transaction.

use sea_orm::{
    DatabaseTransaction,
    sea_query::{Alias, Expr, Query},
};
use user_streams_core::{
    Cursor, ErrorKind, ItemId, Name, NewItem, Recipients,
    backend::{BulkAdd, DeleteRange, MarkQuery, RemoveStreamItem, SetMark},
    time::from_micros,
};
use user_streams_single_table::Users;

use super::{Application, Layout, run};
use crate::{database::TestDatabase, faults::handles::Handle};

crate::tests![
    a_removal_commits_or_rolls_back,
    a_range_commits_or_rolls_back,
    a_bulk_add_commits_or_rolls_back,
    a_bulk_add_that_fails_leaves_the_transaction_usable,
    a_mark_commits_or_rolls_back,
    a_removal_from_a_query_sees_what_the_transaction_has_written,
];

fn place(micros: i64) -> Cursor {
    Cursor::new(from_micros(micros).unwrap(), ItemId::try_from(7).unwrap())
}

fn seen() -> Name {
    "seen".parse().unwrap()
}

async fn mark(handle: &Handle) -> Option<Cursor> {
    handle.backend().mark(MarkQuery::new(1.into(), seen())).await.unwrap()
}

async fn end(txn: DatabaseTransaction, commit: bool) {
    let ended = if commit { txn.commit().await } else { txn.rollback().await };
    ended.unwrap();
}

async fn a_removal_commits_or_rolls_back(database: TestDatabase) {
    let application = Application::new(&database).await;
    for handle in &application.handles {
        let (item, other) = (NewItem::new("item"), NewItem::new("other"));
        for item in [&item, &other] {
            handle.add((1..=5_000).collect::<Vec<i64>>(), item.clone()).await;
        }
        for commit in [false, true] {
            let txn = application.begin().await;
            {
                let writes = handle.backend().in_transaction(&txn).unwrap();
                let from_one = RemoveStreamItem::new(1, item.cursor());
                assert_eq!(writes.remove_stream_item(from_one).await.unwrap(), 1);
                let again = RemoveStreamItem::new([1, 2, 9_999, 2], item.cursor());
                assert_eq!(writes.remove_stream_item(again).await.unwrap(), 1);
                let all = Recipients::iter(1..=5_000_i64);
                let from_all = RemoveStreamItem::new(all, item.cursor());
                assert_eq!(writes.remove_stream_item(from_all).await.unwrap(), 4_998);
                let nobody = RemoveStreamItem::new(Vec::<i64>::new(), item.cursor());
                assert_eq!(writes.remove_stream_item(nobody).await.unwrap(), 0);
            }
            end(txn, commit).await;
            let left = if commit { 5_000 } else { 10_000 };
            assert_eq!(handle.stored_total(&database).await, left, "{}", handle.name());
        }
        assert_eq!(handle.contents(1).await, ["other"], "{}", handle.name());
    }
}

async fn a_removal_from_a_query_sees_what_the_transaction_has_written(database: TestDatabase) {
    let application = Application::new(&database).await;
    for handle in &application.handles {
        let item = NewItem::new("item");
        handle.add([1, 2, 50], item.clone()).await;
        let txn = application.begin().await;
        run(&txn, "INSERT INTO people VALUES (50)").await;
        {
            let writes = handle.backend().in_transaction(&txn).unwrap();
            let id = Expr::col(Alias::new("id"));
            let people = Query::select().expr(id).from(Alias::new("people")).take();
            let removal = RemoveStreamItem::new(Users::query(people), item.cursor());
            assert_eq!(writes.remove_stream_item(removal).await.unwrap(), 3, "{}", handle.name());
        }
        txn.rollback().await.unwrap();
        assert_eq!(handle.stored_total(&database).await, 3, "{}", handle.name());
    }
}

async fn a_range_commits_or_rolls_back(database: TestDatabase) {
    let application = Application::new(&database).await;
    for handle in &application.handles {
        let items: Vec<_> = (0..5).map(|n| NewItem::new(format!("item {n}"))).collect();
        for item in &items {
            handle.add([1, 2], item.clone()).await;
        }
        for commit in [false, true] {
            let txn = application.begin().await;
            {
                let writes = handle.backend().in_transaction(&txn).unwrap();
                let range = || DeleteRange::new(1.into());
                let between = range().newer_than(items[0].cursor()).older_than(items[2].cursor());
                assert_eq!(writes.delete_range(between).await.unwrap(), 1);
                let newer = range().newer_than(items[3].cursor());
                assert_eq!(writes.delete_range(newer).await.unwrap(), 1);
                let older = range().older_than(items[2].cursor());
                assert_eq!(writes.delete_range(older).await.unwrap(), 1);
            }
            end(txn, commit).await;
            let left = if commit { 2 } else { 5 };
            assert_eq!(handle.stored(&database, 1).await, left, "{}", handle.name());
        }
        assert_eq!(handle.contents(1).await, ["item 3", "item 2"], "{}", handle.name());
        assert_eq!(handle.stored(&database, 2).await, 5, "{}", handle.name());
    }
}

async fn a_bulk_add_commits_or_rolls_back(database: TestDatabase) {
    let application = Application::new(&database).await;
    for handle in &application.handles {
        let contents = ["", "☃ \"q\" \\ \t\n", "'", "\u{1}\u{1f600}", "$1 ?", "plain"];
        let items = contents.map(NewItem::new);
        let there = items[5].clone();
        handle.add([1, 2], there).await;
        for commit in [false, true] {
            let txn = application.begin().await;
            {
                let writes = handle.backend().in_transaction(&txn).unwrap();
                let one = items.iter().map(|item| (1.into(), item.clone()));
                let shared = (2..1_000).map(|user: i64| (user.into(), items[0].clone()));
                let rows = BulkAdd::new(one.chain(shared).collect()).unwrap();
                assert_eq!(
                    writes.bulk_add(rows.clone()).await.unwrap(),
                    5 + 998,
                    "{}",
                    handle.name()
                );
                assert_eq!(writes.bulk_add(rows).await.unwrap(), 0, "{}", handle.name());
                let none = BulkAdd::new(Vec::new()).unwrap();
                assert_eq!(writes.bulk_add(none).await.unwrap(), 0);
            }
            end(txn, commit).await;
            let stored = if commit { 2 + 5 + 998 } else { 2 };
            assert_eq!(handle.stored_total(&database).await, stored, "{}", handle.name());
        }
        let mut stored = handle.contents(1).await;
        stored.reverse();
        assert_eq!(stored, contents, "{}", handle.name());
    }
}

async fn a_bulk_add_that_fails_leaves_the_transaction_usable(database: TestDatabase) {
    let application = Application::with_users(&database).await;
    for handle in &application.handles {
        let item = NewItem::new("first");
        handle.add(1, item.clone()).await;
        let other = NewItem::new("first ").with_id(item.id()).with_created_at(&item.created_at());
        let txn = application.begin().await;
        {
            let writes = handle.backend().in_transaction(&txn).unwrap();
            let bulk = async |rows| writes.bulk_add(BulkAdd::new(rows).unwrap()).await;
            let good = NewItem::new("good");
            let unknown = vec![(2.into(), good.clone()), (99.into(), good.clone())];
            let error = bulk(unknown).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidUserId, "{}: {error:?}", handle.name());
            if handle.layout == Layout::ManyToMany {
                let error = bulk(vec![(2.into(), other)]).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Conflict, "{}: {error:?}", handle.name());
            }
            assert_eq!(bulk(vec![(2.into(), good)]).await.unwrap(), 1, "{}", handle.name());
        }
        txn.commit().await.unwrap();
        assert_eq!(handle.stored_total(&database).await, 2, "{}", handle.name());
    }
}

async fn a_mark_commits_or_rolls_back(database: TestDatabase) {
    let application = Application::new(&database).await;
    for handle in &application.handles {
        for commit in [false, true] {
            let txn = application.begin().await;
            {
                let writes = handle.backend().in_transaction(&txn).unwrap();
                let to = |at| SetMark::new(1.into(), seen(), place(at));
                for (args, moves) in [
                    (to(5), true),
                    (to(5), false),
                    (to(4), false),
                    (to(6), true),
                    (to(3).with_back(true), true),
                    (to(3).with_back(true), false),
                    (SetMark::remove(1.into(), seen()), true),
                    (SetMark::remove(1.into(), seen()), false),
                    (to(2), true),
                ] {
                    let moved = writes.set_mark(args.clone()).await.unwrap();
                    assert_eq!(moved, moves, "{}: {args:?}", handle.name());
                }
            }
            end(txn, commit).await;
            assert_eq!(mark(handle).await, commit.then(|| place(2)), "{}", handle.name());
        }
    }
}

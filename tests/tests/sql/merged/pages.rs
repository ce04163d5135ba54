//! What is in a merged page, and what is refused.

use user_streams_core::{
    ErrorKind, NewItem, StreamItem, UserIdKind,
    backend::{Capability, MergedPart, MergedQuery, Position},
};

use super::stores::{Stores, contents, part};
use crate::{
    database::{TestDatabase, connect},
    faults::handles::{LAYOUTS, handles, over, own, own_unmigrated},
};

crate::tests![
    a_page_is_full_however_many_streams_have_its_items,
    what_is_left_out_does_not_shorten_a_page,
    hundreds_of_streams_are_one,
    a_feed_that_is_not_known_is_refused,
    an_id_of_another_kind_is_refused,
    a_feed_reads_its_own_streams,
    tables_that_are_not_there_are_not_migrated,
    tables_of_any_name_are_read,
];

fn items(count: usize) -> Vec<NewItem> {
    (0..count).map(|n| NewItem::new(n.to_string())).collect()
}

fn newest_first(items: &[NewItem]) -> Vec<String> {
    let mut items: Vec<_> = items.iter().collect();
    items.sort_by_key(|item| std::cmp::Reverse(item.cursor()));
    items.iter().map(|item| item.content().to_owned()).collect()
}

async fn a_page_is_full_however_many_streams_have_its_items(database: TestDatabase) {
    let parts = [part("main", 1), part("news", 1), part("teams", "everyone"), part("teams", "a")];
    for handle in handles(&database.config(), 2).await {
        let stores = Stores::new(handle.backend()).await;
        let items = items(30);
        for part in &parts {
            let store = part.feed.as_ref().map_or("main", |name| name.as_str());
            stores.add(store, part.user.clone(), &items).await;
        }
        let expected = newest_first(&items);
        for limit in [1, 2, 19, 20, 29, 30, 31, 1_000] {
            let found = stores.contents(&parts, limit).await;
            let end = expected.len().min(limit as usize);
            assert_eq!(found, expected[..end], "{}: {limit}", handle.name());
        }
        for offset in [1, 7, 29, 30, 31] {
            let query = MergedQuery::new(parts.to_vec(), 5);
            let found = stores.read(&query.with_position(Position::Offset(offset))).await;
            let expected: Vec<_> = expected.iter().skip(offset as usize).take(5).collect();
            assert!(contents(&found).iter().eq(expected), "{}: {offset}", handle.name());
        }
    }
}

async fn what_is_left_out_does_not_shorten_a_page(database: TestDatabase) {
    for handle in handles(&database.config(), 2).await {
        let stores = Stores::new(handle.backend()).await;
        let items = items(600);
        stores.add("main", 1, &items[..300]).await;
        stores.add("teams", "everyone", &items[300..]).await;
        // The newest, and some that are in neither.
        stores.add("retracted", "all", &items[100..]).await;
        stores.add("news", 1, &items[50..60]).await;
        let query = MergedQuery::new(vec![part("main", 1), part("teams", "everyone")], 60);
        let query = query.less(vec![part("retracted", "all"), part("news", 1)]);
        let expected = [newest_first(&items[60..100]), newest_first(&items[..50])].concat();
        let found = stores.read(&query).await;
        assert_eq!(contents(&found), expected[..60], "{}", handle.name());
        let [there, back]: [Vec<StreamItem>; 2] = stores.walk(&query, 7).await;
        assert_eq!(contents(&there), expected, "{}", handle.name());
        assert_eq!(contents(&back), expected, "{}: back", handle.name());
    }
}

async fn hundreds_of_streams_are_one(database: TestDatabase) {
    for handle in own(&database.config(), 2).await {
        let stores = Stores::new(handle.backend()).await;
        let items = items(300);
        let name = |n: usize| format!("team:{n}");
        for (n, item) in items.iter().enumerate() {
            stores.add("teams", name(n).as_str(), std::slice::from_ref(item)).await;
        }
        let parts: Vec<_> = (0..300).map(|n| part("teams", name(n).as_str())).collect();
        let hidden: Vec<_> = (0..100).map(|n| part("teams", name(3 * n).as_str())).collect();
        let kept: Vec<_> = (0..300).filter(|n| n % 3 > 0).map(|n| items[n].clone()).collect();
        for (less, expected) in [(Vec::new(), &items), (hidden, &kept)] {
            let query = MergedQuery::new(parts.clone(), 20).less(less);
            let [there, back] = stores.walk(&query, 64).await;
            assert_eq!(contents(&there), newest_first(expected), "{}", handle.name());
            assert_eq!(back, there, "{}: back", handle.name());
        }
    }
}

async fn a_feed_that_is_not_known_is_refused(database: TestDatabase) {
    for handle in own(&database.config(), 1).await {
        let stores = Stores::new(handle.backend()).await;
        let unknown = part("unknown", 1);
        for query in [
            MergedQuery::new(vec![part("main", 1), unknown.clone()], 1),
            MergedQuery::new(vec![unknown.clone()], 0),
            MergedQuery::new(vec![part("main", 1)], 1).less(vec![unknown]),
        ] {
            let error = stores.main.get_merged(query).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error:?}");
            assert!(error.message().contains("`unknown`"), "{error}");
        }
    }
}

async fn an_id_of_another_kind_is_refused(database: TestDatabase) {
    for handle in own(&database.config(), 1).await {
        let stores = Stores::new(handle.backend()).await;
        for other in [part("main", "a"), part("teams", 1)] {
            for query in [
                MergedQuery::new(vec![part("main", 1), other.clone()], 1),
                MergedQuery::new(vec![part("main", 1)], 1).less(vec![other.clone()]),
            ] {
                let error = stores.main.get_merged(query).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidUserId, "{error:?}");
            }
        }
    }
}

async fn a_feed_reads_its_own_streams(database: TestDatabase) {
    for handle in own(&database.config(), 1).await {
        let stores = Stores::new(handle.backend()).await;
        let items = items(2);
        stores.add("teams", "a", &items[..1]).await;
        stores.add("teams", "b", &items[1..]).await;
        let feed = stores.main.feed(&"teams".parse().unwrap(), UserIdKind::Text).unwrap();
        assert!(feed.capabilities().has(Capability::GetMerged));
        let own = |name: &str| MergedPart::new(None, name.into());
        let query = MergedQuery::new(vec![own("a"), own("b")], 9);
        let found = feed.get_merged(query).await.unwrap();
        assert_eq!(contents(&found), newest_first(&items), "{}", handle.name());
        let error = feed.get_merged(MergedQuery::new(vec![part("news", 1)], 9)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error:?}");
    }
}

async fn tables_that_are_not_there_are_not_migrated(database: TestDatabase) {
    let pool = connect(&database.url, 1).await;
    for layout in LAYOUTS {
        let own = own_unmigrated(layout, database.config()).await;
        for handle in [own, over(&pool, layout, database.config())] {
            let news = handle.backend().feed(&"news".parse().unwrap(), UserIdKind::BigInt).unwrap();
            let parts = vec![part("main", 1), part("news", 1)];
            let read =
                async || handle.backend().get_merged(MergedQuery::new(parts.clone(), 1)).await;
            assert_eq!(read().await.unwrap_err().kind(), ErrorKind::NotMigrated);
            handle.backend().migrate().await.unwrap();
            let error = read().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotMigrated, "of the feed: {error:?}");
            news.migrate().await.unwrap();
            assert_eq!(read().await.unwrap(), []);
        }
    }
}

async fn tables_of_any_name_are_read(database: TestDatabase) {
    for (n, name) in ["a \"b\" `c` 'd'", "select $1 ? :x"].into_iter().enumerate() {
        for layout in LAYOUTS {
            let table = format!("{name} {n}{layout:?}");
            let config = database.config().with_table(table);
            let handle = crate::faults::handles::own_in(layout, config).await.migrated().await;
            let stores = Stores::new(handle.backend()).await;
            let items = items(2);
            stores.add("main", 1, &items[..1]).await;
            stores.add("teams", "everyone", &items[1..]).await;
            let parts = [part("main", 1), part("teams", "everyone")];
            assert_eq!(stores.contents(&parts, 9).await, newest_first(&items), "{}", handle.name());
        }
    }
}

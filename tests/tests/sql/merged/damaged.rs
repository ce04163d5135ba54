//! Damaged rows in merged streams.

use user_streams_core::{ErrorKind, UserIdKind, backend::MergedQuery};

use super::stores::{Stores, contents, part};
use crate::{
    damaged::rows::{AT, Row, handles, not_utf8, readable, store, store_mixed},
    database::TestDatabase,
    faults::handles::{Handle, Layout},
};

crate::tests![
    a_merged_page_with_a_damaged_row_names_its_stream,
    damaged_rows_of_merged_streams_are_passed_over,
];

/// The feed `news` of a handle.
fn news(handle: &Handle) -> Handle {
    let feed = handle.backend().feed(&"news".parse().unwrap(), UserIdKind::BigInt).unwrap();
    let feed: Box<dyn user_streams_core::backend::Backend> = Box::new(feed);
    Handle {
        streams: user_streams_core::Streams::from_backend(feed),
        layout: handle.layout,
        table: format!("{}__news", handle.table),
    }
}

async fn a_merged_page_with_a_damaged_row_names_its_stream(database: TestDatabase) {
    for [failing, skipping] in handles(&database.config()).await {
        let [_, skipping] =
            [Stores::new(failing.backend()).await, Stores::new(skipping.backend()).await];
        let news = news(&failing);
        let mut damaged = vec![(1, Row::new(AT, 0, "'x'")), (2, Row::new(1 << 60, 5, "'x'"))];
        if let Some(content) = not_utf8(&database) {
            damaged.push((4, Row::new(AT, 44, content)));
        }
        if failing.layout == Layout::ManyToMany {
            damaged.push((5, Row::without_item(AT, 55)));
        }
        for (user, row) in damaged {
            let place = format!("(created_at_us {}, id {})", row.at, row.id);
            store(&database, &news, user, &[row]).await;
            store(&database, &failing, user, &[Row::new(AT + 1, 1, "'readable'")]).await;
            let query = MergedQuery::new(vec![part("main", user), part("news", user)], 20);
            let error = failing.backend().get_merged(query.clone()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
            let message = error.to_string();
            for expected in [&place, &format!("`{}`", news.table), &format!("of user {user} ")] {
                assert!(message.contains(expected), "{expected} in {message}");
            }
            assert_eq!(contents(&skipping.read(&query).await), ["readable"]);
        }
    }
}

async fn damaged_rows_of_merged_streams_are_passed_over(database: TestDatabase) {
    for [failing, skipping] in handles(&database.config()).await {
        let stores = Stores::new(skipping.backend()).await;
        store_mixed(&database, &failing, 1).await;
        // The same rows once more, and one that is readable in one of the streams alone.
        store_mixed(&database, &news(&failing), 1).await;
        let query = MergedQuery::new(vec![part("main", 1), part("news", 1)], 20);
        for size in [7, 50, 256, 700, 1_000] {
            let [there, back] = stores.walk(&query, size).await;
            assert_eq!(contents(&there), readable(), "{}: {size}", skipping.name());
            assert_eq!(contents(&back), readable(), "{}: back by {size}", skipping.name());
        }
    }
}

//! A database of PostgreSQL of the encoding `SQL_ASCII`, which accepts any bytes as text.

use sea_orm::DbBackend;
use user_streams_core::{
    ErrorKind,
    backend::{MergedPart, MergedQuery},
};

use super::rows::{AT, Row, handles, store};
use crate::{database::TestDatabase, faults::handles::Layout};

crate::tests![text_that_is_not_utf8_is_a_damaged_row, text_in_utf8_is_read_as_it_was_added,];

const OPTIONS: &str = " ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'";

async fn create(database: &TestDatabase) -> Option<TestDatabase> {
    match database.backend() {
        DbBackend::Postgres => {
            Some(TestDatabase::create_with(&crate::database::KINDS[1], OPTIONS).await)
        }
        _ => None,
    }
}

async fn text_that_is_not_utf8_is_a_damaged_row(database: TestDatabase) {
    let Some(database) = create(&database).await else { return };
    for [failing, skipping] in handles(&database.config()).await {
        let (name, table) = (failing.name(), &failing.table);
        let not_utf8 = r"E'a\xffb\\'";
        let rows = [
            Row::new(AT + 4, 4, r"'4 \x é'"),
            Row::new(AT + 3, 3, not_utf8),
            Row::new(AT + 2, 2, "'2'"),
            Row::new(AT + 1, 1, not_utf8),
        ];
        store(&database, &failing, 1, &rows).await;
        let error = failing.streams.get_stream_items(1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{name}: {error:?}");
        let place = format!("(created_at_us {}, id 3) of the table `{table}`", AT + 3);
        assert!(error.message().contains(&place), "{name}: {error}");
        assert_eq!(skipping.contents(1).await, [r"4 \x é", "2"], "{name}");
        let items = skipping.streams.get_stream_items(1);
        let cursor = items.get(0).await.unwrap().unwrap().cursor();
        assert_eq!(items.cursor_page(5).after(cursor).await.unwrap().items.len(), 1, "{name}");
        let parts = [1, 2].map(|user| MergedPart::new(None, user.into()));
        let merged = MergedQuery::new(parts.to_vec(), 5);
        let error = failing.backend().get_merged(merged.clone()).await.unwrap_err();
        assert!(error.message().contains(&place), "{name}: {error}");
        assert_eq!(skipping.backend().get_merged(merged).await.unwrap().len(), 2, "{name}");
        // The item of another user too, in the layout where they share it.
        if failing.layout == Layout::ManyToMany {
            let sql = format!(
                "INSERT INTO {table} (user_id, created_at_us, id) VALUES (2, {}, 3)",
                AT + 3
            );
            database.run(&sql).await;
            assert_eq!(skipping.contents(2).await, [] as [&str; 0], "{name}");
        }
        assert_eq!(failing.streams.repair_stream(1).await.unwrap(), 2, "{name}");
        assert_eq!(failing.contents(1).await, [r"4 \x é", "2"], "{name}");
    }
}

async fn text_in_utf8_is_read_as_it_was_added(database: TestDatabase) {
    let Some(database) = create(&database).await else { return };
    for [failing, _] in handles(&database.config()).await {
        let content = "quotes '\"` \\ \\x41 \t \u{1f600} e\u{301}";
        failing.add([1, 2], content).await;
        assert_eq!(failing.contents(2).await, [content], "{}", failing.name());
        store(&database, &failing, 2, &[Row::new(AT, 1, r"E'\xff'")]).await;
        assert_eq!(failing.streams.repair_stream(2).await.unwrap(), 1);
        assert_eq!(failing.contents(2).await, [content], "{}", failing.name());
    }
}

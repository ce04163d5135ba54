//! The plans of merged pages: an index range for each stream, and no sort of more than the limits.

use sea_orm::DbBackend;
use user_streams_core::{
    Cursor, UserIdKind,
    backend::{Backend, MergedPart, MergedQuery, Position, StreamQuery},
};
use user_streams_many_to_many::ManyToManyBackend;
use user_streams_single_table::SingleTableBackend;

use super::stores::part;
use crate::{
    database::{Log, TestDatabase},
    plans::{CONTENT, explain, insert_numbers},
};

crate::tests![a_merged_page_is_an_index_range_of_each_stream];

/// 10,000 rows of user 1 and 100 of each of 2,000 others, 1,000 of everyone and 100 of each of 300
/// teams; all of it of the same time.
async fn fill(database: &TestDatabase, table: &str, separate_items: bool) {
    let (hundredth, concat) = match database.backend() {
        DbBackend::MySql => ("i DIV 100", "CONCAT('team:', i MOD 300)"),
        _ => ("i / 100", "'team:' || (i % 300)"),
    };
    let user = format!("CASE WHEN i < 10000 THEN 1 ELSE {hundredth} END");
    let team = format!("CASE WHEN i < 1000 THEN 'everyone' ELSE {concat} END");
    let at = "1700000000000000 + (i * 7919 + i) % 1000003";
    for (table, user, count, id) in [
        (table.to_owned(), user, 210_000, "i + 1"),
        (format!("{table}__teams"), team, 31_000, "i + 1000001"),
    ] {
        let count = format!("i < {count}");
        let (content, value) = match separate_items {
            true => (String::new(), String::new()),
            false => (", content".to_owned(), format!(", {CONTENT}")),
        };
        let columns = format!("user_id, created_at_us, id{content}");
        let values = format!("{user}, {at}, {id}{value}");
        database.run(&insert_numbers(&table, &columns, &values, &count)).await;
        if separate_items {
            let (items, values) = (format!("{table}_items"), format!("{at}, {id}, {CONTENT}"));
            let columns = "created_at_us, id, content";
            database.run(&insert_numbers(&items, columns, &values, &count)).await;
        }
    }
}

async fn a_merged_page_is_an_index_range_of_each_stream(database: TestDatabase) {
    let (connection, log) = database.watched().await;
    let [single, many] = ["single", "many"].map(|table| database.config().with_table(table));
    let single = SingleTableBackend::new(connection.clone(), single).unwrap();
    let many = ManyToManyBackend::new(connection, many).unwrap();
    let backends = [Box::new(single) as Box<dyn Backend>, Box::new(many)];
    for (backend, table) in backends.iter().zip(["single", "many"]) {
        let feed = backend.feed(&"teams".parse().unwrap(), UserIdKind::Text).unwrap();
        backend.migrate().await.unwrap();
        feed.migrate().await.unwrap();
        fill(&database, table, table == "many").await;
        check(&database, &**backend, &log, "with default statistics").await;
    }
    let analyze = match database.backend() {
        DbBackend::MySql => {
            "ANALYZE TABLE single, single__teams, many, many_items, many__teams, many__teams_items"
        }
        _ => "ANALYZE",
    };
    database.run(analyze).await;
    for backend in &backends {
        check(&database, &**backend, &log, "after ANALYZE").await;
    }
}

async fn check(database: &TestDatabase, backend: &dyn Backend, log: &Log, when: &str) {
    let place = async |offset| {
        let query = StreamQuery::new(1.into(), 1).with_position(Position::Offset(offset));
        backend.get_stream_items(query).await.unwrap()[0].cursor()
    };
    let (deep, old): (Cursor, Cursor) = (place(9_000).await, place(9_900).await);
    let parts = |bound: Option<Cursor>| -> Vec<MergedPart> {
        let teams = ["everyone", "team:7", "team:8", "team:9"].map(|name| part("teams", name));
        [part("main", 1)].into_iter().chain(teams).map(|part| part.newer_than(bound)).collect()
    };
    log.take();
    for position in [Position::Offset(0), Position::After(deep), Position::Before(deep)] {
        for bound in [None, Some(old)] {
            for less in [Vec::new(), vec![part("teams", "team:10"), part("main", 150)]] {
                let query = MergedQuery::new(parts(bound), 20).less(less);
                let query = query.with_position(position);
                assert_eq!(backend.get_merged(query).await.unwrap().len(), 20);
            }
        }
    }
    let statements = log.take();
    assert_eq!(statements.len(), 12, "one statement each");
    for statement in statements {
        let is_bad = |step: &&String| match database.backend() {
            // A sort of rows with content would be a file.
            DbBackend::MySql if backend.capabilities().backend() == "single-table" => {
                step.starts_with('<') || is_bad(DbBackend::MySql, step)
            }
            kind => is_bad(kind, step),
        };
        for plan in explain(&database.connection, &statement).await {
            let bad: Vec<_> = plan.iter().filter(is_bad).collect();
            assert!(
                bad.is_empty(),
                "{when}, {}: {bad:?} in the plan of\n{}\n{}",
                backend.capabilities().backend(),
                statement.sql,
                plan.join("\n")
            );
        }
    }
}

/// Whether a step reads more than index ranges, or sorts more than the limited rows.
fn is_bad(backend: DbBackend, step: &str) -> bool {
    match backend {
        DbBackend::Sqlite => {
            // Only the limited rows are scanned.
            step.contains("TEMP B-TREE") || step.starts_with("SCAN") && step != "SCAN d"
        }
        DbBackend::Postgres => {
            let step = step.trim_start().trim_start_matches("->  ");
            let bad = ["Sort  ", "Incremental Sort", "Seq Scan", "Hash", "Bitmap", "Materialize"];
            // Before ANALYZE an item is looked up by a bitmap of its primary key.
            let is_item = step.starts_with("Bitmap") && step.contains("_items");
            !is_item && bad.iter().any(|bad| step.starts_with(bad))
        }
        _ => {
            // The limited rows are sorted, and scanned.
            let is_limited = ["<derived", "<union"].iter().any(|name| step.starts_with(name));
            let bad = [" | ALL | ", " | index | ", "filesort", "temporary"];
            !is_limited && bad.iter().any(|bad| step.contains(bad))
        }
    }
}

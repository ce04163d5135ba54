//! The query plans of the statements that the backends execute: an index range, no sort, no scan.

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, QueryResult, Statement, TransactionTrait,
};
use user_streams_core::{
    Cursor, Name, Streams, UserId,
    backend::{
        Backend, Contains, CountNewer, DeleteRange, ListNewer, ListUsers, MarkQuery, MergedPart,
        MergedQuery, Position, RemoveStreamItem, SetMark, StreamQuery,
    },
    time,
};
use user_streams_many_to_many::ManyToManyBackend;
use user_streams_single_table::SingleTableBackend;

use crate::database::{Log, TestDatabase, connect};

crate::tests![
    a_page_and_a_count_are_index_ranges_among_a_million_rows,
    the_plan_of_what_is_read_often_is_kept,
];

/// Inserts `values` for each number `i` below a million that the condition has.
pub(crate) fn insert_numbers(table: &str, columns: &str, values: &str, condition: &str) -> String {
    let digits = "d(n) AS (SELECT 0 UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION \
        ALL SELECT 4 UNION ALL \
                  SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL \
                  SELECT 9)";
    let number = "a.n + 10 * b.n + 100 * c.n + 1000 * e.n + 10000 * f.n + 100000 * g.n";
    let numbers =
        format!("n(i) AS (SELECT {number} FROM d AS a, d AS b, d AS c, d AS e, d AS f, d AS g)");
    format!(
        "INSERT INTO {table} ({columns}) WITH {digits}, {numbers} SELECT {values} FROM n WHERE \
         {condition}"
    )
}

/// What an item of a hundred bytes says, in SQL.
pub(crate) const CONTENT: &str = "'An item of a hundred bytes or so, as most of them are in a \
    feed; it says who did what to which thing.'";

/// A million rows: 10,000 of user 1, and 100 of each of 9,900 others.
async fn fill(database: &TestDatabase) {
    // Integer division, which is written differently in each database.
    let hundredth = if database.backend() == DbBackend::MySql { "i DIV 100" } else { "i / 100" };
    let user = format!("CASE WHEN i < 10000 THEN 1 ELSE {hundredth} END");
    let rows =
        |table: &str, columns: &str, values: &str| insert_numbers(table, columns, values, "TRUE");
    let at = "1700000000000000 + i";
    let statements = [
        rows(
            "user_streams_single_table",
            "user_id, created_at_us, id, content",
            &format!("{user}, {at}, i + 1, {CONTENT}"),
        ),
        rows(
            "user_streams_many_to_many",
            "user_id, created_at_us, id",
            &format!("{user}, {at}, i + 1"),
        ),
        rows(
            "user_streams_many_to_many_items",
            "created_at_us, id, content",
            &format!("{at}, i + 1, {CONTENT}"),
        ),
    ];
    for statement in statements {
        database.run(&statement).await;
    }
}

async fn a_page_and_a_count_are_index_ranges_among_a_million_rows(database: TestDatabase) {
    let (connection, log) = database.watched().await;
    let single = SingleTableBackend::new(connection.clone(), database.config()).unwrap();
    let many = ManyToManyBackend::new(connection, database.config()).unwrap();
    single.migrate().await.unwrap();
    many.migrate().await.unwrap();
    fill(&database).await;
    let backends = [Box::new(single) as Box<dyn Backend>, Box::new(many)];
    let backends = backends.map(Streams::from_backend);
    for streams in &backends {
        check(&database.connection, streams, &log, "with default statistics").await;
        check_optional(&database.connection, streams, &log, "with default statistics").await;
    }
    let analyze = match database.backend() {
        DbBackend::MySql => {
            "ANALYZE TABLE user_streams_single_table, user_streams_many_to_many, \
             user_streams_many_to_many_items"
        }
        _ => "ANALYZE",
    };
    database.run(analyze).await;
    for streams in &backends {
        check(&database.connection, streams, &log, "after ANALYZE").await;
        check_optional(&database.connection, streams, &log, "after ANALYZE").await;
    }
}

/// PostgreSQL plans a statement at each execution unless a plan for any parameters costs no more.
async fn the_plan_of_what_is_read_often_is_kept(database: TestDatabase) {
    if database.backend() != DbBackend::Postgres {
        return;
    }
    let connection = connect(&database.url, 1).await;
    let single = SingleTableBackend::new(connection.clone(), database.config()).unwrap();
    let many = ManyToManyBackend::new(connection.clone(), database.config()).unwrap();
    single.migrate().await.unwrap();
    many.migrate().await.unwrap();
    fill(&database).await;
    database.run("ANALYZE").await;
    for backend in [Box::new(single) as Box<dyn Backend>, Box::new(many)] {
        let at = |offset| Position::Offset(offset);
        let read = async |position, limit| {
            let query = StreamQuery::new(1.into(), limit).with_position(position);
            backend.get_stream_items(query).await.unwrap()
        };
        let deep = read(at(9_000), 1).await[0].cursor();
        for _ in 0..10 {
            for position in [at(0), at(40), Position::After(deep), Position::Before(deep)] {
                assert_eq!(read(position, 20).await.len(), 20);
            }
            let parts = [1, 2].map(|user| MergedPart::new(None, user.into())).to_vec();
            let merged = backend.get_merged(MergedQuery::new(parts, 20)).await.unwrap();
            assert_eq!(merged.len(), 20);
            let newer = CountNewer::new(1.into(), deep).with_limit(100);
            assert_eq!(backend.count_newer(newer).await.unwrap(), 100);
        }
    }
    let planned = "SELECT statement FROM pg_prepared_statements WHERE custom_plans > 5";
    let planned = Statement::from_string(DbBackend::Postgres, planned);
    let planned = connection.query_all_raw(planned).await.unwrap();
    let planned: Vec<String> =
        planned.iter().map(|row| row.try_get("", "statement").unwrap()).collect();
    assert!(planned.is_empty(), "planned at each execution: {planned:#?}");
}

async fn check(connection: &DatabaseConnection, streams: &Streams, log: &Log, when: &str) {
    let items = streams.get_stream_items(1);
    let first = items.cursor_page(20).await.unwrap();
    assert_eq!(first.items.len(), 20);
    let deep = items.get(9_000).await.unwrap().unwrap().cursor();
    log.take();
    items.slice(..20).await.unwrap();
    assert_eq!(items.cursor_page(20).after(deep).await.unwrap().items.len(), 20);
    assert_eq!(items.cursor_page(20).before(deep).await.unwrap().items.len(), 20);
    assert_eq!(items.count().await.unwrap(), 10_000);
    let statements = log.take();
    assert_eq!(statements.len(), 4, "one statement each");
    check_plans(connection, streams, statements, when).await;
}

async fn check_plans(
    connection: &DatabaseConnection,
    streams: &Streams,
    statements: Vec<Statement>,
    when: &str,
) {
    for statement in statements {
        for plan in explain(connection, &statement).await {
            let bad = bad_steps(connection.get_database_backend(), &plan);
            assert!(
                bad.is_empty(),
                "{when}, {}: {bad:?} in the plan of\n{}\n{}",
                streams.capabilities().backend(),
                statement.sql,
                plan.join("\n")
            );
        }
    }
}

/// The optional operations, none of which changes the stream.
async fn check_optional(connection: &DatabaseConnection, streams: &Streams, log: &Log, when: &str) {
    let backend = streams.downcast_ref::<Box<dyn Backend>>().unwrap();
    let items = streams.get_stream_items(1);
    let place = async |offset| items.get(offset).await.unwrap().unwrap().cursor();
    let (newest, deep, oldest) = (place(0).await, place(9_000).await, place(9_999).await);
    let nowhere = Cursor::new(deep.created_at(), newest.id());
    let (user, seen): (UserId, Name) = (1.into(), "seen".parse().unwrap());
    for other in 1..1_000 {
        let set = SetMark::new(other.into(), seen.clone(), deep);
        backend.set_mark(set).await.unwrap();
    }
    // The first of the list is the first entry of the index.
    let first = backend.list_users(ListUsers::new(10)).await.unwrap();
    log.take();

    let newer = CountNewer::new(user.clone(), deep).with_limit(100);
    assert_eq!(backend.count_newer(newer).await.unwrap(), 100);
    for (mark, name) in [("seen", &seen), ("none", &"none".parse().unwrap())] {
        let newer = CountNewer::than_mark(user.clone(), name.clone()).with_limit(100);
        assert_eq!(backend.count_newer(newer).await.unwrap(), 100, "{mark}");
    }
    assert_eq!(backend.mark(MarkQuery::new(user.clone(), seen)).await.unwrap(), Some(deep));
    let range = || DeleteRange::new(user.clone());
    for range in [
        range().newer_than(newest),
        range().older_than(oldest),
        range().newer_than(deep).older_than(deep),
    ] {
        assert_eq!(backend.delete_range(range).await.unwrap(), 0);
    }
    let pairs: Vec<_> =
        (1..400_i64).map(|user| (user.into(), if user == 1 { deep } else { nowhere })).collect();
    let is_there = backend.contains(Contains::new(pairs)).await.unwrap();
    assert_eq!(is_there.iter().position(|is| *is), Some(0));
    assert_eq!(is_there.iter().filter(|is| **is).count(), 1);
    let users: Vec<i64> = (1..400).collect();
    for removal in [RemoveStreamItem::new(1, nowhere), RemoveStreamItem::new(users, nowhere)] {
        assert_eq!(backend.remove_stream_item(removal).await.unwrap(), 0);
    }
    let next = ListUsers::new(10).after(first.next.unwrap());
    assert_eq!(backend.list_users(next).await.unwrap().users.len(), 10);
    let users = (1..=1_000_i64).map(UserId::from).collect();
    // Ten of the last user but one, and all of the last one.
    let than = time::from_micros(1_700_000_000_099_990).unwrap();
    let newer = ListNewer::new(users, Cursor::new(than, newest.id()), 10_000);
    assert_eq!(backend.list_newer(newer).await.unwrap().len(), 110);
    let mut statements = log.take();
    statements.retain(|statement| !["BEGIN", "COMMIT"].contains(&statement.sql.as_str()));
    assert_eq!(statements.len(), 12, "one statement each");
    check_plans(connection, streams, statements, when).await;
}

/// The plan, one line per step; on PostgreSQL also that for any parameters, which it may keep.
pub(crate) async fn explain(
    connection: &DatabaseConnection,
    statement: &Statement,
) -> Vec<Vec<String>> {
    let mut plans = vec![explain_as_it_is(connection, statement).await];
    if statement.db_backend == DbBackend::Postgres {
        plans.push(explain_generic(connection, statement).await);
    }
    plans
}

async fn explain_as_it_is(connection: &DatabaseConnection, statement: &Statement) -> Vec<String> {
    let prefix =
        if statement.db_backend == DbBackend::Sqlite { "EXPLAIN QUERY PLAN" } else { "EXPLAIN" };
    // On MariaDB statements begin with their timeout.
    let timed = statement.sql.strip_prefix("SET STATEMENT ");
    let sql = timed.and_then(|sql| sql.split_once(" FOR ")).map(|(_, sql)| sql);
    let sql = format!("{prefix} {}", sql.unwrap_or(&statement.sql));
    let explain = Statement { sql, ..statement.clone() };
    let rows = connection.query_all_raw(explain).await.unwrap();
    let text = |row: &QueryResult, column: &str| {
        let bytes = row.try_get::<Option<Vec<u8>>>("", column).ok().flatten();
        let text = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        text.or_else(|| row.try_get::<Option<String>>("", column).unwrap()).unwrap_or_default()
    };
    rows.iter()
        .map(|row| match statement.db_backend {
            DbBackend::Sqlite => text(row, "detail"),
            DbBackend::Postgres => text(row, "QUERY PLAN"),
            _ => ["table", "type", "key", "Extra"].map(|column| text(row, column)).join(" | "),
        })
        .collect()
}

async fn explain_generic(connection: &DatabaseConnection, statement: &Statement) -> Vec<String> {
    let count = statement.values.as_ref().map_or(0, |values| values.0.len());
    let values = vec!["NULL"; count].join(", ");
    let values = if count == 0 { values } else { format!("({values})") };
    let transaction = connection.begin().await.unwrap();
    for sql in [
        "SET LOCAL plan_cache_mode = force_generic_plan",
        &format!("PREPARE generic AS {}", statement.sql),
    ] {
        transaction.execute_unprepared(sql).await.unwrap();
    }
    let explain = format!("EXPLAIN EXECUTE generic{values}");
    let explain = Statement::from_string(DbBackend::Postgres, explain);
    let rows = transaction.query_all_raw(explain).await.unwrap();
    transaction.execute_unprepared("DEALLOCATE generic").await.unwrap();
    rows.iter().map(|row| row.try_get("", "QUERY PLAN").unwrap()).collect()
}

fn bad_steps(backend: DbBackend, plan: &[String]) -> Vec<&String> {
    let bad = |line: &&String| match backend {
        // Only the rows of the limited page, of a parameter and of the list itself are scanned.
        DbBackend::Sqlite => {
            let scanned = ["SCAN d", "SCAN n", "SCAN f", "SCAN users", "SCAN json_each"];
            line.contains("TEMP B-TREE")
                || (line.starts_with("SCAN") && !scanned.iter().any(|scan| line.starts_with(scan)))
        }
        DbBackend::Postgres => ["Sort", "Seq Scan", "Hash"].iter().any(|step| line.contains(step)),
        _ => {
            let scan = [" | ALL | ", " | index | "].iter().any(|access| line.contains(access));
            // What is derived is limited, or a parameter.
            let is_derived = ["<derived", "k |", "j |"].iter().any(|name| line.starts_with(name));
            !is_derived && (scan || line.contains("filesort") || line.contains("temporary"))
        }
    };
    plan.iter().filter(bad).collect()
}

//! Values of every type in a query of recipients, and ids of every kind: the same results in a
//! transaction as outside.

use chrono::{Duration, FixedOffset, TimeZone, Utc};
use sea_orm::{
    DbBackend, TransactionTrait,
    sea_query::{Alias, Expr, ExprTrait, Query, SimpleExpr},
};
use user_streams_core::{Streams, UserId, UserIdKind, backend::Backend};
use user_streams_many_to_many::ManyToManyBackend;
use user_streams_single_table::{SingleTableBackend, Users};
use uuid::Uuid;

use super::{Application, run};
use crate::database::TestDatabase;

crate::tests![
    a_query_finds_the_same_users,
    quotes_in_values_are_text_in_every_mode,
    ids_of_every_kind_receive,
];

const NAMES: [&str; 4] = ["it's", "back\\slash \\' OR 1=1 -- ", "\"quoted\" ☃", ""];

async fn create_values(database: &TestDatabase) {
    let (date, real) = match database.backend() {
        DbBackend::Postgres => ("TIMESTAMPTZ", "DOUBLE PRECISION"),
        DbBackend::Sqlite => ("TEXT", "REAL"),
        _ => ("DATETIME(6)", "DOUBLE"),
    };
    let create = format!(
        "CREATE TABLE things (id BIGINT NOT NULL PRIMARY KEY, name VARCHAR(100) NOT NULL, seen \
         {date} NOT NULL, \
         ratio {real} NOT NULL, number INT NOT NULL)"
    );
    database.run(&create).await;
    for (id, name) in NAMES.iter().enumerate() {
        let insert = Query::insert()
            .into_table(Alias::new("things"))
            .columns(["id", "name", "seen", "ratio", "number"].map(Alias::new))
            .values_panic([
                (id as i64).into(),
                (*name).into(),
                (Utc.timestamp_opt(1_700_000_000, 0).unwrap() + Duration::hours(id as i64)).into(),
                (id as f64 / 4.0 + 1e-40).into(),
                (id as i32).into(),
            ])
            .to_owned();
        sea_orm::ConnectionTrait::execute(&database.connection, &insert).await.unwrap();
    }
}

fn where_values(condition: SimpleExpr) -> Users {
    let query = Query::select()
        .column(Alias::new("id"))
        .from(Alias::new("things"))
        .and_where(condition)
        .take();
    Users::query(query)
}

fn col(name: &str) -> Expr {
    Expr::col(Alias::new(name))
}

async fn a_query_finds_the_same_users(database: TestDatabase) {
    let application = Application::new(&database).await;
    create_values(&database).await;
    let noon = Utc.timestamp_opt(1_700_000_000, 0).unwrap() + Duration::minutes(90);
    let elsewhere = noon.with_timezone(&FixedOffset::east_opt(19_800).unwrap());
    let conditions = || -> Vec<(&str, SimpleExpr)> {
        vec![
            ("a date", col("seen").gt(noon)),
            ("a date of another zone", col("seen").gt(elsewhere)),
            ("a float", col("ratio").gt(0.3_f64)),
            ("a small float", col("ratio").gt(1e-41_f64)),
            ("an integer", col("number").gte(2_i32)),
            ("a small integer", col("number").lt(3_i16)),
            ("texts", col("name").is_in(NAMES)),
            ("a text", col("name").eq(NAMES[1])),
            ("nothing", Expr::val(Option::<i32>::None).is_null()),
            ("a boolean", Expr::val(true).eq(true)),
        ]
    };
    for handle in &application.handles {
        for ((what, within), (_, without)) in conditions().into_iter().zip(conditions()) {
            let name = format!("{}: {what}", handle.name());
            let outside = handle.streams.add_stream_item(where_values(without), "outside").await;
            let outside = outside.unwrap_or_else(|error| panic!("{name}: {error:?}")).delivered;
            let txn = application.begin().await;
            let streams = handle.streams.in_transaction(&txn).unwrap();
            let inside = streams.add_stream_item(where_values(within), "inside").await;
            let inside = inside.unwrap_or_else(|error| panic!("{name}: {error:?}")).delivered;
            txn.rollback().await.unwrap();
            assert_eq!(inside, outside, "{name}");
            // SQLite compares dates as texts.
            assert!(
                inside > 0 || database.backend() == DbBackend::Sqlite,
                "{name}: it finds nobody"
            );
        }
    }
}

async fn quotes_in_values_are_text_in_every_mode(database: TestDatabase) {
    if database.backend() != DbBackend::MySql {
        return;
    }
    let application = Application::new(&database).await;
    create_values(&database).await;
    let json = serde_json::json!({ "name": "' OR 1=1 -- \\" });
    for handle in &application.handles {
        let name = handle.name();
        let txn = application.begin().await;
        run(&txn, "SET @mode = @@sql_mode").await;
        run(&txn, "SET SESSION sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES,ANSI_QUOTES')")
            .await;
        let streams = handle.streams.in_transaction(&txn).unwrap();
        for content in NAMES {
            assert_eq!(streams.add_stream_item(1, content).await.unwrap().delivered, 1, "{name}");
        }
        let nobody = streams
            .add_stream_item(where_values(col("name").eq(json.clone())), "json")
            .await
            .unwrap();
        assert_eq!(nobody.delivered, 0, "{name}");
        let one =
            streams.add_stream_item(where_values(col("name").eq(NAMES[1])), "text").await.unwrap();
        assert_eq!(one.delivered, 1, "{name}");
        run(&txn, "SET SESSION sql_mode = @mode").await;
        txn.commit().await.unwrap();
        let contents: Vec<_> = handle.contents(1).await.into_iter().rev().collect();
        assert_eq!(contents[..4], NAMES, "{name}");
    }
}

async fn ids_of_every_kind_receive(database: TestDatabase) {
    let texts = NAMES[..3].iter().map(|name| UserId::from(*name)).collect();
    let uuids = [1, 2, u128::MAX].map(|id| UserId::Uuid(Uuid::from_u128(id))).to_vec();
    for (kind, users) in [(UserIdKind::Text, texts), (UserIdKind::Uuid, uuids)] {
        let users: Vec<UserId> = users;
        let config =
            database.config().with_user_id(kind).with_table(format!("of_{}", kind.as_str()));
        let single = SingleTableBackend::connect(config.clone()).await.unwrap();
        let many = ManyToManyBackend::connect(config.with_table(format!("many_{}", kind.as_str())))
            .await
            .unwrap();
        single.migrate().await.unwrap();
        many.migrate().await.unwrap();
        for streams in [Streams::from_backend(single), Streams::from_backend(many)] {
            let txn = database.connection.begin().await.unwrap();
            let within = streams.in_transaction(&txn).unwrap();
            assert_eq!(within.add_stream_item(users[0].clone(), "one").await.unwrap().delivered, 1);
            assert_eq!(within.add_stream_item(&users, "all").await.unwrap().delivered, 3);
            txn.commit().await.unwrap();
            assert_eq!(streams.get_stream_items(&users[0]).count().await.unwrap(), 2, "{kind:?}");
            assert_eq!(streams.get_stream_items(&users[2]).count().await.unwrap(), 1, "{kind:?}");
        }
    }
}

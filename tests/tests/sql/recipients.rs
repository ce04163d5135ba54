//! A query as the recipients: run by the database itself, or streamed from another one.

use sea_orm::{
    ColumnTrait, DbBackend, EntityTrait, QueryFilter, QuerySelect, Statement,
    sea_query::{Alias, Expr, ExprTrait, Query, UnionType},
};
use user_streams_core::{ErrorKind, MemoryBackend, Recipients, Streams, backend::Backend};
use user_streams_many_to_many::ManyToManyBackend;
use user_streams_single_table::{SingleTableBackend, Users, users};

use crate::database::{Log, TestDatabase};

crate::tests![
    a_query_is_one_insert_select_whose_rows_never_reach_the_client,
    a_column_of_another_table_names_users_once_each,
    any_query_of_one_column_names_users,
    a_query_of_another_database_is_streamed,
    a_query_that_finds_nobody_stores_nothing,
    a_query_that_fails_stores_nothing,
    a_query_for_names_is_refused_where_ids_are_numbers,
    a_query_without_its_database_is_refused_by_other_backends,
];

mod person {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "people")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub active: bool,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod follow {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "follows")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub followed: i64,
        pub follower: Option<i64>,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// 100 people of whom the even ones are active, and who follows person 7.
async fn fill(database: &TestDatabase) {
    let boolean = if database.backend() == DbBackend::Postgres { "BOOLEAN" } else { "SMALLINT" };
    database
        .run(&format!(
            "CREATE TABLE people (id BIGINT NOT NULL PRIMARY KEY, active {boolean} NOT NULL)"
        ))
        .await;
    let people: Vec<_> = (1..=100).map(|id| format!("({id}, {})", id % 2 == 0)).collect();
    database.run(&format!("INSERT INTO people VALUES {}", people.join(", "))).await;
    database
        .run(
            "CREATE TABLE follows (id BIGINT NOT NULL PRIMARY KEY, followed BIGINT NOT NULL, \
        follower INTEGER)",
        )
        .await;
    database
        .run(
            "INSERT INTO follows VALUES (1, 7, 20), (2, 7, 21), (3, 7, 20), (4, 7, NULL), (5, 8, \
            22)",
        )
        .await;
}

async fn backends(database: &TestDatabase) -> Vec<(Streams, Log)> {
    fill(database).await;
    let (connection, single_log) = database.watched().await;
    let single = SingleTableBackend::new(connection, database.config()).unwrap();
    let (connection, many_log) = database.watched().await;
    let many = ManyToManyBackend::new(connection, database.config()).unwrap();
    single.migrate().await.unwrap();
    many.migrate().await.unwrap();
    vec![(Streams::from_backend(single), single_log), (Streams::from_backend(many), many_log)]
}

fn selects(log: &[Statement]) -> Vec<&str> {
    log.iter()
        .map(|statement| statement.sql.as_str())
        .filter(|sql| sql.starts_with("SELECT"))
        .collect()
}

async fn a_query_is_one_insert_select_whose_rows_never_reach_the_client(database: TestDatabase) {
    for (streams, log) in backends(&database).await {
        // Statements that a backend runs once per server.
        assert!(streams.get_stream_items(1).is_empty().await.unwrap());
        log.take();
        let active = person::Entity::find().filter(person::Column::Active.eq(true));
        let delivery =
            streams.add_stream_item(users(active.clone()), "to the active").await.unwrap();
        let statements = log.take();
        assert_eq!(delivery.delivered, 50);
        assert_eq!(selects(&statements), Vec::<&str>::new());
        assert_eq!(
            statements.iter().filter(|statement| statement.sql.contains("WITH targets")).count(),
            1
        );
        assert_eq!(streams.get_stream_items(2).count().await.unwrap(), 1);
        assert_eq!(streams.get_stream_items(3).count().await.unwrap(), 0);
    }
}

async fn a_column_of_another_table_names_users_once_each(database: TestDatabase) {
    for (streams, _) in backends(&database).await {
        let follows = follow::Entity::find().filter(follow::Column::Followed.eq(7));
        let delivery = streams
            .add_stream_item(Users::by(follows, follow::Column::Follower), "7 has news")
            .await
            .unwrap();
        assert_eq!(delivery.delivered, 2);
        assert_eq!(streams.get_stream_items(20).count().await.unwrap(), 1);
        assert_eq!(streams.get_stream_items(22).count().await.unwrap(), 0);
    }
}

async fn any_query_of_one_column_names_users(database: TestDatabase) {
    for (streams, _) in backends(&database).await {
        let ids = |from: i64, to: i64| {
            let id = Expr::col(Alias::new("id"));
            Query::select()
                .expr(id.clone())
                .from(Alias::new("people"))
                .and_where(id.between(from, to))
                .to_owned()
        };
        let union = ids(1, 10).union(UnionType::All, ids(5, 15)).to_owned();
        assert_eq!(
            streams.add_stream_item(Users::query(union), "a union").await.unwrap().delivered,
            15
        );

        let expression = Query::select()
            .expr(Expr::col(Alias::new("id")).add(1000))
            .from(Alias::new("people"))
            .limit(3)
            .to_owned();
        assert_eq!(
            streams
                .add_stream_item(Users::query(expression), "an expression")
                .await
                .unwrap()
                .delivered,
            3
        );
    }
}

async fn a_query_of_another_database_is_streamed(database: TestDatabase) {
    fill(&database).await;
    let everybody = || users(person::Entity::find()).on(&database.connection);
    let elsewhere = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/elsewhere.db?mode=rwc", elsewhere.path().display());
    let single =
        SingleTableBackend::connect(user_streams_single_table::SingleTableConfig::new(url))
            .await
            .unwrap();
    single.migrate().await.unwrap();
    for streams in [Streams::from_backend(single), Streams::from_backend(MemoryBackend::default())]
    {
        assert_eq!(streams.add_stream_item(everybody(), "to all").await.unwrap().delivered, 100);
        // With i32 and NULL.
        let follows =
            Users::by(follow::Entity::find(), follow::Column::Follower).on(&database.connection);
        assert_eq!(streams.add_stream_item(follows, "to followers").await.unwrap().delivered, 3);
        assert_eq!(streams.get_stream_items(20).count().await.unwrap(), 2);
    }
}

async fn a_query_that_finds_nobody_stores_nothing(database: TestDatabase) {
    for (streams, _) in backends(&database).await {
        let nobody = person::Entity::find().filter(person::Column::Id.eq(-1));
        assert_eq!(streams.add_stream_item(users(nobody), "to nobody").await.unwrap().delivered, 0);
    }
    assert_eq!(database.number("SELECT COUNT(*) FROM user_streams_many_to_many_items").await, 0);
}

async fn a_query_that_fails_stores_nothing(database: TestDatabase) {
    for (streams, _) in backends(&database).await {
        let wrong =
            Query::select().column(Alias::new("id")).from(Alias::new("no_such_table")).to_owned();
        let error = streams
            .add_stream_item(Users::query(wrong.clone()), "to nobody")
            .await
            .map(|_| ())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Recipients, "{error:?}");
        assert!(error.to_string().contains(".on(&database)"), "{error}");
        let elsewhere = Recipients::query(Users::query(wrong).on(&database.connection));
        let error = streams.add_stream_item(elsewhere, "to nobody").await.map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Recipients, "{error:?}");
    }
    assert_eq!(database.number("SELECT COUNT(*) FROM user_streams_many_to_many_items").await, 0);
}

async fn a_query_for_names_is_refused_where_ids_are_numbers(database: TestDatabase) {
    for (streams, _) in backends(&database).await {
        let names = Query::select().expr(Expr::val("zoë")).from(Alias::new("people")).to_owned();
        streams.add_stream_item(Users::query(names), "to names").await.map(|_| ()).unwrap_err();
    }
    assert_eq!(database.number("SELECT COUNT(*) FROM user_streams_single_table").await, 0);
    assert_eq!(database.number("SELECT COUNT(*) FROM user_streams_many_to_many").await, 0);
}

async fn a_query_without_its_database_is_refused_by_other_backends(_: TestDatabase) {
    let streams = Streams::from_backend(MemoryBackend::default());
    let error = streams
        .add_stream_item(users(person::Entity::find().limit(1)), "x")
        .await
        .map(|_| ())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Recipients);
    assert!(error.to_string().contains(".on(&database)"), "{error}");
}

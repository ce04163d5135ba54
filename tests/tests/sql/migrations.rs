//! Making the tables: at once from many processes, and within an application's own migrator.

use futures_util::future::join_all;
use sea_orm::sea_query::{Alias, IntoIden};
use sea_orm_migration::{MigrationTrait, MigratorTraitSelf};
use user_streams_core::{Backend, ErrorKind, Streams};
use user_streams_many_to_many::ManyToManyBackend;
use user_streams_single_table::{Dialect, SingleTableBackend, SingleTableConfig};

use crate::database::TestDatabase;

crate::tests![
    only_the_tables_of_the_backend_are_made,
    eight_may_migrate_at_once,
    an_application_may_compose_the_migrations_into_its_own,
    down_takes_the_tables_away,
    before_migrating_every_operation_says_to_migrate,
];

async fn only_the_tables_of_the_backend_are_made(database: TestDatabase) {
    database.single_table().await.migrate().await.unwrap();
    let single = [
        "user_streams_single_table",
        "user_streams_single_table_identity",
        "user_streams_single_table_migrations",
    ];
    assert_eq!(database.tables().await, single);

    database.many_to_many().await.migrate().await.unwrap();
    let many = [
        "user_streams_many_to_many",
        "user_streams_many_to_many_identity",
        "user_streams_many_to_many_items",
        "user_streams_many_to_many_migrations",
    ];
    assert_eq!(database.tables().await, [&many[..], &single[..]].concat());
}

async fn eight_may_migrate_at_once(database: TestDatabase) {
    let backends = join_all((0..8).map(|_| database.many_to_many())).await;
    for migrated in join_all(backends.iter().map(Backend::migrate)).await {
        migrated.unwrap();
    }
    assert_eq!(database.number("SELECT COUNT(*) FROM user_streams_many_to_many_migrations").await, 2);
}

/// An application's migrator, with a history table of its own name.
struct Application {
    dialect: Dialect,
}

impl MigratorTraitSelf for Application {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        let config = SingleTableConfig::new("").with_table("feed");
        let mut migrations = user_streams_single_table::migrations(self.dialect, &config).unwrap();
        migrations.extend(
            user_streams_many_to_many::migrations(self.dialect, &config.with_table("inbox")).unwrap(),
        );
        migrations
    }

    fn migration_table_name(&self) -> sea_orm::sea_query::DynIden {
        Alias::new("application_migrations").into_iden()
    }
}

fn application(database: &TestDatabase) -> Application {
    let dialect = match database.backend() {
        sea_orm::DbBackend::Sqlite => Dialect::Sqlite,
        sea_orm::DbBackend::Postgres => Dialect::Postgres,
        _ => Dialect::MySql,
    };
    Application { dialect }
}

async fn an_application_may_compose_the_migrations_into_its_own(database: TestDatabase) {
    application(&database).up(&database.connection, None).await.unwrap();
    let made = ["application_migrations", "feed", "feed_identity", "inbox", "inbox_identity", "inbox_items"];
    assert_eq!(database.tables().await, made);

    let config = database.config().with_table("feed");
    let feed =
        Streams::from_backend(SingleTableBackend::new(database.connection.clone(), config.clone()).unwrap());
    let inbox = ManyToManyBackend::new(database.connection.clone(), config.with_table("inbox")).unwrap();
    for streams in [feed, Streams::from_backend(inbox)] {
        streams.add_stream_item([1, 2], "composed").await.unwrap();
        assert_eq!(streams.get_stream_items(2).len().await.unwrap(), 1);
    }
}

async fn down_takes_the_tables_away(database: TestDatabase) {
    let application = application(&database);
    application.up(&database.connection, None).await.unwrap();
    application.down(&database.connection, None).await.unwrap();
    assert_eq!(database.tables().await, ["application_migrations"]);
}

async fn before_migrating_every_operation_says_to_migrate(database: TestDatabase) {
    for streams in [
        Streams::from_backend(database.single_table().await),
        Streams::from_backend(database.many_to_many().await),
    ] {
        let items = streams.get_stream_items(1);
        let errors = [
            streams.add_stream_item(1, "one").await.map(|_| ()).unwrap_err(),
            streams.add_stream_item([1, 2], "two").await.map(|_| ()).unwrap_err(),
            items.get(0).await.map(|_| ()).unwrap_err(),
            items.len().await.map(|_| ()).unwrap_err(),
            streams.delete_stream(1).await.map(|_| ()).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::NotMigrated, "{error:?}");
            assert!(error.to_string().contains("migrate"), "{error}");
            assert!(error.backend().is_some() && error.operation().is_some(), "{error}");
        }
    }
}

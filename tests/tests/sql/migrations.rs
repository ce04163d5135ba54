//! Creating the tables: concurrently from many processes, and by an application's own migrator.

use std::time::Duration;

use futures_util::future::join_all;
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Alias, IntoIden};
use sea_orm_migration::{MigrationTrait, MigratorTraitSelf};
use user_streams_core::{
    ErrorKind, Streams,
    backend::{Backend, SetMark},
};
use user_streams_many_to_many::ManyToManyBackend;
use user_streams_single_table::{Dialect, SingleTableBackend, SingleTableConfig};

use crate::{
    database::{TestDatabase, connect},
    faults::own_server::OwnServer,
    servers::role::Role,
};

crate::tests![
    only_the_tables_of_the_backend_are_created,
    a_store_of_the_previous_version_is_upgraded,
    eight_may_migrate_concurrently,
    an_application_may_compose_the_migrations_into_its_own,
    down_drops_the_tables,
    before_migrating_every_operation_says_to_migrate,
    a_login_that_only_reads_may_call_migrate_with_nothing_to_do,
    with_nothing_to_do_it_does_not_wait_for_writers,
    names_that_differ_only_in_case_are_distinct_or_refused,
    a_server_with_lower_case_names_accepts_no_others,
    two_feeds_fit_into_one_migrator,
    a_table_of_another_owner_is_not_taken_for_a_migration,
    another_database_s_lock_is_not_waited_for,
];

async fn only_the_tables_of_the_backend_are_created(database: TestDatabase) {
    database.single_table().await.migrate().await.unwrap();
    let single = [
        "user_streams_single_table",
        "user_streams_single_table_identity",
        "user_streams_single_table_marks",
        "user_streams_single_table_migrations",
    ];
    assert_eq!(database.tables().await, single);

    database.many_to_many().await.migrate().await.unwrap();
    let many = [
        "user_streams_many_to_many",
        "user_streams_many_to_many_identity",
        "user_streams_many_to_many_items",
        "user_streams_many_to_many_marks",
        "user_streams_many_to_many_migrations",
    ];
    assert_eq!(database.tables().await, [&many[..], &single[..]].concat());
}

/// That had no table of marks.
async fn a_store_of_the_previous_version_is_upgraded(database: TestDatabase) {
    for streams in both(&database.config()).await {
        streams.migrate().await.unwrap();
        streams.add_stream_item([1, 2], "before").await.unwrap();
    }
    for table in ["single", "many"] {
        database.run(&format!("DROP TABLE {table}_marks")).await;
        let name = "m20261126_000004_create";
        database.run(&format!("DELETE FROM {table}_migrations WHERE version LIKE '{name}%'")).await;
    }
    let args = || {
        let to = user_streams_core::NewItem::new("").cursor();
        SetMark::new(1.into(), "seen".parse().unwrap(), to)
    };
    let config = database.config();
    let single = SingleTableBackend::connect(config.clone().with_table("single")).await.unwrap();
    let many = ManyToManyBackend::connect(config.with_table("many")).await.unwrap();
    for backend in [Box::new(single) as Box<dyn Backend>, Box::new(many)] {
        let error = backend.set_mark(args()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotMigrated, "{error:?}");
        backend.migrate().await.unwrap();
        assert!(backend.set_mark(args()).await.unwrap());
        let streams = Streams::from_backend(backend);
        assert_eq!(streams.get_stream_items(2).await.unwrap()[0].content, "before");
    }
}

async fn eight_may_migrate_concurrently(database: TestDatabase) {
    let backends = join_all((0..8).map(|_| database.many_to_many())).await;
    for migrated in join_all(backends.iter().map(Backend::migrate)).await {
        migrated.unwrap();
    }
    assert_eq!(
        database.number("SELECT COUNT(*) FROM user_streams_many_to_many_migrations").await,
        4
    );
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
            user_streams_many_to_many::migrations(self.dialect, &config.with_table("inbox"))
                .unwrap(),
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
    let made = [
        "application_migrations",
        "feed",
        "feed_identity",
        "feed_marks",
        "inbox",
        "inbox_identity",
        "inbox_items",
        "inbox_marks",
    ];
    assert_eq!(database.tables().await, made);

    let config = database.config().with_table("feed");
    let feed = Streams::from_backend(
        SingleTableBackend::new(database.connection.clone(), config.clone()).unwrap(),
    );
    let inbox =
        ManyToManyBackend::new(database.connection.clone(), config.with_table("inbox")).unwrap();
    for streams in [feed, Streams::from_backend(inbox)] {
        streams.add_stream_item([1, 2], "composed").await.unwrap();
        assert_eq!(streams.get_stream_items(2).count().await.unwrap(), 1);
    }
}

async fn down_drops_the_tables(database: TestDatabase) {
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
            items.count().await.map(|_| ()).unwrap_err(),
            streams.delete_stream(1).await.map(|_| ()).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::NotMigrated, "{error:?}");
            assert!(error.to_string().contains("migrate"), "{error}");
            assert!(error.backend().is_some() && error.operation().is_some(), "{error}");
        }
    }
}

/// Both layouts of the library on this login or file.
async fn both(config: &SingleTableConfig) -> Vec<Streams> {
    let single = SingleTableBackend::connect(config.clone().with_table("single")).await.unwrap();
    let many = ManyToManyBackend::connect(config.clone().with_table("many")).await.unwrap();
    vec![Streams::from_backend(single), Streams::from_backend(many)]
}

async fn a_login_that_only_reads_may_call_migrate_with_nothing_to_do(database: TestDatabase) {
    let Some(role) = Role::create(&database, "mig", "").await else { return };
    let config = SingleTableConfig::new(&role.url);
    for streams in both(&config).await {
        let error = streams.migrate().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSettings, "{error:?}");
        assert!(error.message().contains("CREATE to migrate"), "{error:?}");
        assert!(format!("{error:?}").contains("denied"), "{error:?}");
    }
    for streams in both(&database.config()).await {
        streams.migrate().await.unwrap();
    }
    role.grant(&database, "SELECT").await;
    for streams in both(&config).await {
        streams.migrate().await.unwrap();
        assert_eq!(streams.get_stream_items(1).count().await.unwrap(), 0);
    }
    // The same over the application's own pool.
    let pool = connect(&role.url, 1).await;
    let backend = ManyToManyBackend::new(pool, config.with_table("many")).unwrap();
    Streams::from_backend(backend).migrate().await.unwrap();
}

async fn with_nothing_to_do_it_does_not_wait_for_writers(database: TestDatabase) {
    let config = database.config().with_operation_timeout(Duration::from_secs(2));
    for streams in both(&config).await {
        streams.migrate().await.unwrap();
    }
    let begin = match database.backend() {
        sea_orm::DbBackend::Sqlite => "BEGIN IMMEDIATE",
        _ => "BEGIN",
    };
    let writer = connect(&database.url, 1).await;
    for sql in [begin, "INSERT INTO many_items (id, created_at_us, content) VALUES (1, 1, 'x')"] {
        writer.execute_unprepared(sql).await.unwrap();
    }
    for streams in both(&config).await {
        streams.migrate().await.unwrap();
    }
}

async fn names_that_differ_only_in_case_are_distinct_or_refused(database: TestDatabase) {
    let config = database.config();
    let lower = SingleTableBackend::connect(config.clone().with_table("ten1")).await.unwrap();
    let upper = SingleTableBackend::connect(config.with_table("TEN1")).await.unwrap();
    let [lower, upper] = [lower, upper].map(Streams::from_backend);
    lower.migrate().await.unwrap();
    lower.add_stream_item(1, "of ten1").await.unwrap();
    let folds = match database.backend() {
        sea_orm::DbBackend::Sqlite => true,
        sea_orm::DbBackend::MySql => {
            database.number("SELECT CAST(@@lower_case_table_names AS SIGNED)").await != 0
        }
        _ => false,
    };
    match upper.migrate().await {
        Ok(()) => {
            assert!(!folds);
            assert_eq!(upper.get_stream_items(1).count().await.unwrap(), 0);
        }
        Err(error) => {
            assert!(folds, "{error:?}");
            assert_eq!(error.kind(), ErrorKind::InvalidSettings, "{error:?}");
            assert!(
                error.message().contains("TEN1") && error.message().contains("lower"),
                "{error:?}"
            );
        }
    }
    lower.migrate().await.unwrap();
}

async fn a_server_with_lower_case_names_accepts_no_others(database: TestDatabase) {
    if database.backend() != sea_orm::DbBackend::MySql {
        return;
    }
    let server = OwnServer::start("--lower-case-table-names=1").await;
    let config = SingleTableConfig::new(&server.url);
    for (table, accepted) in [("ten1", true), ("TEN1", false), ("Feed", false)] {
        let backend = ManyToManyBackend::connect(config.clone().with_table(table)).await.unwrap();
        let migrated = Streams::from_backend(backend).migrate().await;
        assert_eq!(migrated.is_ok(), accepted, "{table}: {migrated:?}");
        if let Err(error) = migrated {
            assert_eq!(error.kind(), ErrorKind::InvalidSettings, "{error:?}");
            assert!(error.message().contains("lower case"), "{error:?}");
        }
    }
}

/// An application with two feeds of one layout.
struct TwoFeeds {
    dialect: Dialect,
}

impl MigratorTraitSelf for TwoFeeds {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        let mut migrations = Vec::new();
        for table in ["inbox", "news"] {
            let config = SingleTableConfig::new("").with_table(table);
            migrations
                .extend(user_streams_single_table::migrations(self.dialect, &config).unwrap());
            let config = config.with_table(format!("{table}_m"));
            migrations
                .extend(user_streams_many_to_many::migrations(self.dialect, &config).unwrap());
        }
        migrations
    }
}

async fn two_feeds_fit_into_one_migrator(database: TestDatabase) {
    let migrator = TwoFeeds { dialect: application(&database).dialect };
    migrator.up(&database.connection, None).await.unwrap();
    for table in ["inbox", "news"] {
        let config = database.config().with_table(table);
        let streams =
            Streams::from_backend(SingleTableBackend::connect(config.clone()).await.unwrap());
        streams.add_stream_item(1, table).await.unwrap();
        let many =
            ManyToManyBackend::connect(config.with_table(format!("{table}_m"))).await.unwrap();
        let many = Streams::from_backend(many);
        many.add_stream_item([1, 2], table).await.unwrap();
        for streams in [streams, many] {
            assert_eq!(streams.get_stream_items(1).get(0).await.unwrap().unwrap().content, table);
        }
    }
    migrator.down(&database.connection, None).await.unwrap();
    assert_eq!(database.tables().await, ["seaql_migrations"]);
}

async fn a_table_of_another_owner_is_not_taken_for_a_migration(database: TestDatabase) {
    database.run("CREATE TABLE feed (id BIGINT)").await;
    let backend = SingleTableBackend::connect(database.config().with_table("feed")).await.unwrap();
    let error = Streams::from_backend(backend).migrate().await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Backend, false), "{error:?}");
    assert!(error.message().contains("already exists"), "{error:?}");
}

async fn another_database_s_lock_is_not_waited_for(database: TestDatabase) {
    if database.backend() != sea_orm::DbBackend::MySql {
        return;
    }
    let (_, name) = database.url.rsplit_once('/').unwrap();
    let other = connect(&database.url, 1).await;
    let hold = async |lock: &str| {
        let sql = format!("SELECT GET_LOCK('{lock}', 0)");
        let statement = sea_orm::Statement::from_string(other.get_database_backend(), sql);
        other.query_one_raw(statement).await.unwrap();
    };
    hold("user_streams:single").await;
    hold("user_streams:elsewhere.single").await;
    let config =
        database.config().with_table("single").with_operation_timeout(Duration::from_secs(1));
    let streams = Streams::from_backend(SingleTableBackend::connect(config).await.unwrap());
    hold(&format!("user_streams:{name}.single")).await;
    let error = streams.migrate().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    assert!(error.message().contains("which session "), "{error:?}");
    other.close().await.unwrap();
    streams.migrate().await.unwrap();
}

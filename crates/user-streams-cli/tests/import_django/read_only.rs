//! The source is only read, and as it was at one instant.

use std::fs;

use user_streams_sql::{
    read_only,
    sea_orm::{ConnectionTrait, DatabaseTransaction, Statement},
};

use crate::{
    command::import,
    redis,
    source::{DATABASES, Kind, Source, connect},
    target::Target,
    tests,
};

tests![
    the_file_stays_as_it_is: &[Kind::Sqlite],
    a_login_that_may_only_read_is_enough: &[Kind::Postgres, Kind::MySql, Kind::Redis],
    nothing_can_be_written: DATABASES,
    what_comes_meanwhile_is_not_seen: DATABASES,
];

const ITEMS: &str = "user_streams_single_table_backend_streamitem";

async fn the_file_stays_as_it_is(source: Source) {
    let target_directory = tempfile::tempdir().unwrap();
    let directory = source.directory.path();
    let before = fs::read(directory.join("django.db")).unwrap();
    for layout in ["single-table", "many-to-many"] {
        let target = Target::file(layout, target_directory.path(), &layout.replace('-', "_"));
        let arguments = [&source.url, "--layout", layout, "--zone", "Europe/Berlin"];
        import(&target, &arguments).said("5 users, 100 items, 100 added");
    }
    assert!(fs::read(directory.join("django.db")).unwrap() == before);
    assert_eq!(fs::read_dir(directory).unwrap().count(), 1);
}

async fn a_login_that_may_only_read_is_enough(source: Source) {
    let (name, password) = (&source.name, "readonly");
    match source.kind {
        Kind::Postgres => {
            source
                .run(&format!(
                    "CREATE ROLE {name} LOGIN PASSWORD '{password}'; \
                     GRANT USAGE ON SCHEMA public TO {name}; \
                     GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}"
                ))
                .await;
        }
        Kind::MySql => {
            source.run(&format!("CREATE USER {name} IDENTIFIED BY '{password}'")).await;
            source.run(&format!("GRANT SELECT ON {name}.* TO {name}")).await;
        }
        _ => {
            let rules = format!(
                "ACL SETUSER {name} on >{password} %R~{name}:user:* -@all +scan +zrange \
                 +@connection +info"
            );
            redis::say(&redis::connect(&source.url).await, &rules).await;
        }
    }
    let url = source.url_of(name, password);
    let target = Target::file("single-table", source.directory.path(), "ours");
    let arguments = [&url, "--zone", "Europe/Berlin"];
    match source.kind {
        Kind::Redis => {
            let arguments = [&arguments[..], &["--key-prefix", name]].concat();
            import(&target, &arguments).said("5 users, 99 items, 99 added");
            let client = redis::connect(&source.url).await;
            redis::say(&client, &format!("ACL DELUSER {name}")).await;
        }
        kind => {
            let arguments = [&arguments[..], &["--layout", "single-table"]].concat();
            import(&target, &arguments).said("5 users, 100 items, 100 added");
            if kind == Kind::Postgres {
                source.run(&format!("DROP OWNED BY {name}")).await;
                source.run(&format!("DROP ROLE {name}")).await;
            } else {
                source.run(&format!("DROP USER {name}")).await;
            }
        }
    }
}

/// By a login that may do anything.
async fn nothing_can_be_written(source: Source) {
    for sql in ["CREATE TABLE other (id INTEGER)".to_owned(), format!("DELETE FROM {ITEMS}")] {
        let transaction = read_only::open(&source.url).await.unwrap();
        let error = transaction.execute_unprepared(&sql).await.unwrap_err().to_string();
        let error = error.to_lowercase();
        assert!(
            error.contains("read-only")
                || error.contains("readonly")
                || error.contains("read only"),
            "{sql}: {error}"
        );
    }
}

async fn what_comes_meanwhile_is_not_seen(source: Source) {
    if source.kind == Kind::Sqlite {
        // Else a writer waits for the reader.
        source.run("PRAGMA journal_mode = WAL").await;
    }
    let transaction = read_only::open(&source.url).await.unwrap();
    assert_eq!(count(&transaction).await, 100);
    let writer = connect(&source.url).await;
    writer.execute_unprepared(&format!("DELETE FROM {ITEMS} WHERE id > 50")).await.unwrap();
    assert_eq!(count(&transaction).await, 100);
}

async fn count(transaction: &DatabaseTransaction) -> i64 {
    let backend = transaction.get_database_backend();
    let statement = Statement::from_string(backend, format!("SELECT COUNT(*) FROM {ITEMS}"));
    transaction.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

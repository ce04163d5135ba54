//! How durable a commit is: the library's sessions ask for what the option or the server says. A
//! query of recipients runs in such a session, and so can tell its settings.

use sea_orm::{
    DbBackend,
    sea_query::{Alias, Expr, Query, SelectStatement},
};
use user_streams_core::{Settings, Streams};
use user_streams_single_table::Users;

use crate::database::TestDatabase;

crate::tests![sqlite_synchronizes_as_the_option_says, postgresql_commits_as_the_server_says,];

/// The number that the query gives in a session of each layout.
async fn numbers(
    database: &TestDatabase,
    option: Option<(&str, &str)>,
    query: &SelectStatement,
) -> Vec<i64> {
    let mut numbers = Vec::new();
    for layout in ["single-table", "many-to-many"] {
        let settings = Settings::new(format!("{layout}+{}", database.url));
        let settings = settings.with_option("table", layout.replace('-', "_"));
        let settings = match option {
            Some((name, value)) => settings.with_option(name, value),
            None => settings,
        };
        let streams = Streams::connect(settings).await.unwrap();
        streams.migrate().await.unwrap();
        streams.add_stream_item(Users::query(query.clone()), "a setting").await.unwrap();
        for number in 0..10 {
            if streams.get_stream_items(number).count().await.unwrap() > 0 {
                numbers.push(number);
                streams.delete_stream(number).await.unwrap();
            }
        }
        streams.close().await.unwrap();
    }
    numbers
}

async fn sqlite_synchronizes_as_the_option_says(database: TestDatabase) {
    if database.backend() != DbBackend::Sqlite {
        return;
    }
    let synchronous = Query::select()
        .expr(Expr::col(Alias::new("synchronous")))
        .from(Alias::new("pragma_synchronous"))
        .to_owned();
    let wal = Query::select()
        .expr(Expr::cust("journal_mode = 'wal'"))
        .from(Alias::new("pragma_journal_mode"))
        .to_owned();
    for (option, mode) in [(None, 1), (Some(("synchronous", "full")), 2)] {
        assert_eq!(numbers(&database, option, &synchronous).await, [mode; 2], "{option:?}");
        assert_eq!(numbers(&database, option, &wal).await, [1; 2], "{option:?}");
    }
}

async fn postgresql_commits_as_the_server_says(database: TestDatabase) {
    if database.backend() != DbBackend::Postgres {
        return;
    }
    let (_, name) = database.url.rsplit_once('/').unwrap();
    let modes = ["off", "local", "remote_write", "on", "remote_apply"];
    let cases: Vec<_> =
        modes.iter().enumerate().map(|(n, mode)| format!("WHEN '{mode}' THEN {n}")).collect();
    let mode = format!("CASE current_setting('synchronous_commit') {} END", cases.join(" "));
    let query = Query::select().expr(Expr::cust(mode)).to_owned();
    for (number, mode) in modes.iter().enumerate() {
        database.run(&format!("ALTER DATABASE {name} SET synchronous_commit = '{mode}'")).await;
        assert_eq!(numbers(&database, None, &query).await, [number as i64; 2], "{mode}");
    }
}

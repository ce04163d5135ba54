//! How long the server lets a statement run.

use sea_orm::{
    DbBackend,
    sea_query::{Alias, Query},
};
use user_streams_core::NewItem;
use user_streams_single_table::Users;

use crate::{
    database::TestDatabase,
    faults::{
        handles::{Handle, handles},
        seconds,
    },
};

crate::tests![a_query_of_the_applications_has_the_time_of_a_broadcast_and_nothing_else_has];

/// The users of a table of the application's.
fn everybody() -> Users {
    Users::query(Query::select().column(Alias::new("id")).from(Alias::new("people")).to_owned())
}

/// Notes the timeout of each statement that writes deliveries.
async fn note_timeouts(database: &TestDatabase, handle: &Handle) {
    let table = handle.quoted_table(DbBackend::Postgres);
    database
        .run(&format!(
            "CREATE TRIGGER note AFTER INSERT OR DELETE ON {table} FOR EACH STATEMENT EXECUTE \
             FUNCTION note()"
        ))
        .await;
}

async fn a_query_of_the_applications_has_the_time_of_a_broadcast_and_nothing_else_has(
    database: TestDatabase,
) {
    if database.backend() != DbBackend::Postgres {
        // Elsewhere a statement says its timeout itself.
        return;
    }
    database.run("CREATE TABLE people (id BIGINT PRIMARY KEY)").await;
    database.run("INSERT INTO people SELECT generate_series(1, 10)").await;
    database.run("CREATE TABLE notes (number SERIAL, timeout TEXT)").await;
    database
        .run(
            "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO \
             notes (timeout) VALUES (current_setting('statement_timeout')); RETURN NULL; END $$",
        )
        .await;
    let config = database
        .config()
        .with_operation_timeout(seconds(5.0))
        .with_broadcast_timeout(seconds(50.0));
    // One connection, which has the timeout of the statement before.
    for handle in handles(&config, 1).await {
        let (name, item) = (handle.name(), NewItem::new("item"));
        note_timeouts(&database, &handle).await;
        assert_eq!(handle.add(1, "before").await, 1, "{name}");
        assert_eq!(handle.add(everybody(), item.clone()).await, 10, "{name}");
        // The statement that assumes that nobody has the item fails.
        database.run("INSERT INTO people VALUES (11)").await;
        assert_eq!(handle.add(everybody(), item.clone()).await, 1, "{name}: a retry");
        assert_eq!(handle.add(1, "between").await, 1, "{name}");
        let removed = handle.streams.remove_stream_item(everybody(), item.cursor()).await.unwrap();
        assert_eq!(removed, 11, "{name}");
        assert_eq!(handle.add([1, 2, 3], "after").await, 3, "{name}");
        let own = name.starts_with("own");
        let usual = if own { "6s" } else { "0" };
        let timeouts = database.texts("SELECT timeout FROM notes ORDER BY number").await;
        assert_eq!(timeouts, [usual, "51s", "51s", usual, "51s", usual], "{name}");
        database.run("TRUNCATE notes").await;
        database.run("DELETE FROM people WHERE id = 11").await;
    }
}

//! Items as they come: told by PostgreSQL if asked for, asked for elsewhere.

mod lost;
mod poolers;
mod telling;
mod watching;

use std::time::Duration;

use futures_util::{StreamExt, stream::BoxStream};
use sea_orm::{DbBackend, sqlx::postgres::PgListener};
use tokio::time::timeout;
use user_streams_core::{Result, StreamItem, StreamItems, Streams};

use crate::{
    database::TestDatabase,
    faults::{
        eventually,
        handles::{Handle, LAYOUTS, own_in},
        within,
    },
};

pub(crate) const TOPICS: &[&[crate::Test]] =
    &[lost::TESTS, poolers::TESTS, telling::TESTS, watching::TESTS];

type Live = BoxStream<'static, Result<StreamItem>>;

/// So long that nothing comes for being asked for.
const NEVER: Duration = Duration::from_secs(3_600);

fn is_postgres(database: &TestDatabase) -> bool {
    database.backend() == DbBackend::Postgres
}

fn channel(handle: &Handle) -> String {
    format!("user_streams:{}", handle.table)
}

/// Who hears each notification of a channel.
struct Ear(PgListener, String);

impl Ear {
    async fn at(database: &TestDatabase, handle: &Handle) -> Self {
        let mut listener = PgListener::connect(&database.url).await.unwrap();
        listener.listen(&channel(handle)).await.unwrap();
        Self(listener, channel(handle))
    }

    /// What was told since the last call.
    async fn heard(&mut self, database: &TestDatabase) -> Vec<String> {
        let end = format!("the end {:x}", fastrand::u64(..));
        database.run(&format!("NOTIFY \"{}\", '{end}'", self.1)).await;
        let mut heard = Vec::new();
        loop {
            let told = within(5.0, "a notification", self.0.recv()).await.unwrap();
            if told.payload() == end {
                return heard;
            }
            heard.push(told.payload().to_owned());
        }
    }
}

/// Subscribes, and waits until what is added is told.
async fn subscribed(streams: &Streams, items: StreamItems) -> Live {
    let mut live = items.subscribe();
    for number in 0..100 {
        let user = items.user().clone();
        let content = format!("the first one {number}");
        let add = streams.add_stream_item(user, &*content);
        let begun = timeout(Duration::from_millis(300), live.next());
        let (_, first) = tokio::join!(add.into_future(), begun);
        if first.is_ok() {
            while timeout(Duration::from_millis(300), live.next()).await.is_ok() {}
            return live;
        }
    }
    panic!("a subscription begins");
}

/// The content of the next item.
async fn next(live: &mut Live, what: &str) -> String {
    within(5.0, what, live.next()).await.unwrap().unwrap().content
}

/// The one session that listens.
async fn listener(database: &TestDatabase) -> i64 {
    let sql = "SELECT COALESCE(CASE COUNT(*) WHEN 1 THEN MAX(pid) END, 0)::bigint FROM \
               pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN \"user%'";
    eventually(5.0, "one that listens", || async { database.number(sql).await != 0 }).await;
    database.number(sql).await
}

/// Waits until a session has ended.
async fn ended(database: &TestDatabase, session: i64) {
    let sql = format!("SELECT COUNT(*) FROM pg_stat_activity WHERE pid = {session}");
    eventually(5.0, "the end of a session", || async { database.number(&sql).await == 0 }).await;
}

/// Both layouts, which tell, over a pool of their own, in the tables of other handles or their own.
async fn tellers(database: &TestDatabase, name: &str) -> Vec<Handle> {
    let mut handles = Vec::new();
    for layout in LAYOUTS {
        let table = format!("{name}_{layout:?}").to_lowercase();
        let config = database.config().with_table(table).with_live(true).with_max_connections(4);
        handles.push(own_in(layout, config).await.migrated().await);
    }
    handles
}

/// The same streams by another backend.
async fn another(database: &TestDatabase, handle: &Handle) -> Handle {
    let config = database.config().with_table(&handle.table).with_live(true);
    own_in(handle.layout, config.with_max_connections(2)).await
}

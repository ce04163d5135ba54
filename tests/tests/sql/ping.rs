//! `ping`: an answer within a second, whatever the database and the pool are doing.

use std::{fs, time::Duration};

use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, DbBackend, TransactionTrait};
use tokio::task::spawn_blocking;
use user_streams_core::{Error, ErrorKind, NewItem};
use user_streams_single_table::SingleTableConfig;
use user_streams_test_servers::{Kind, Profile, Server, start_with};

use crate::{
    database::{TestDatabase, connect},
    faults::{
        blocker::Blocker,
        eventually,
        handles::{self, Handle, LAYOUTS, Layout},
        proxy::Proxy,
        seconds, start, timed, within,
    },
};

crate::tests![
    ping_answers_before_and_after_migrating,
    ping_ends_in_time_on_a_network_that_stalls,
    ping_ends_in_time_while_the_server_is_paused,
    ping_ends_in_time_without_a_server,
    ping_ends_in_time_while_every_connection_is_in_use,
    ping_is_not_counted_among_the_calls_that_wait,
    ping_reads_the_file_of_sqlite,
    pings_of_a_hanging_server_leave_nothing_behind,
];

/// The promise is a second; the rest is for a busy machine. It is much less than the timeouts.
const AT_MOST: f64 = 4.0;

/// A ping that fails in time.
async fn fails(handle: &Handle, kinds: &[ErrorKind]) -> Error {
    let name = handle.name();
    let (answer, took) = timed(10.0, name, handle.streams.ping()).await;
    let error = answer.unwrap_err();
    assert!(kinds.contains(&error.kind()), "{name}: {error:?}");
    assert!(error.is_retryable(), "{name}: {error:?}");
    assert!(took <= seconds(AT_MOST), "{name}: a ping took {took:?}");
    error
}

/// Waits for a ping that is answered.
async fn answers(handle: &Handle) {
    eventually(10.0, handle.name(), async || handle.streams.ping().await.is_ok()).await;
}

/// Long timeouts, which do not count for a ping.
fn patient(url: &str) -> SingleTableConfig {
    SingleTableConfig::new(url)
        .with_connect_timeout(Duration::from_secs(20))
        .with_operation_timeout(Duration::from_secs(20))
}

async fn ping_answers_before_and_after_migrating(database: TestDatabase) {
    for layout in LAYOUTS {
        let own = handles::own_unmigrated(layout, patient(&database.url)).await;
        let over = handles::over(&database.connection, layout, patient(&database.url));
        for handle in [own, over] {
            handle.streams.ping().await.unwrap();
            let handle = handle.migrated().await;
            for answer in join_all((0..50).map(|_| handle.streams.ping())).await {
                answer.unwrap();
            }
        }
    }
}

/// Both layouts over both kinds of pools, connected, each with a connection that it has used.
async fn used(url: &str) -> Vec<Handle> {
    let handles = handles::handles(&patient(url), 2).await;
    for handle in &handles {
        handle.add(1, "item").await;
        handle.streams.ping().await.unwrap();
    }
    handles
}

async fn ping_ends_in_time_on_a_network_that_stalls(database: TestDatabase) {
    if database.backend() == DbBackend::Sqlite {
        return;
    }
    let proxy = Proxy::before(&database.url).await;
    let handles = used(&proxy.url()).await;
    proxy.stall_all();
    for kinds in [[ErrorKind::Timeout, ErrorKind::Connection]; 3] {
        join_all(handles.iter().map(|handle| fails(handle, &kinds))).await;
    }
    proxy.release();
    for handle in &handles {
        answers(handle).await;
    }
}

/// A server that a test may stop, and handles on it; none of a database in a file.
async fn on_a_server_of_its_own(database: &TestDatabase) -> Option<(Server, Vec<Handle>)> {
    let kind = match database.backend() {
        DbBackend::Postgres => Kind::Postgres,
        DbBackend::MySql => Kind::Mysql,
        _ => return None,
    };
    let started = spawn_blocking(move || start_with(kind, Profile::Fast, &[])).await.unwrap();
    let server = started.unwrap();
    let handles = used(&server.url).await;
    Some((server, handles))
}

async fn ping_ends_in_time_while_the_server_is_paused(database: TestDatabase) {
    let Some((mut server, handles)) = on_a_server_of_its_own(&database).await else { return };
    server.pause().unwrap();
    let kinds = [ErrorKind::Timeout, ErrorKind::Connection];
    join_all(handles.iter().map(|handle| fails(handle, &kinds))).await;
    // After some idle time a connection is checked before it is used.
    tokio::time::sleep(seconds(1.2)).await;
    join_all(handles.iter().map(|handle| fails(handle, &kinds))).await;
    server.resume().unwrap();
    for handle in &handles {
        answers(handle).await;
    }
}

async fn ping_ends_in_time_without_a_server(database: TestDatabase) {
    let Some((mut server, handles)) = on_a_server_of_its_own(&database).await else { return };
    server.kill().unwrap();
    for _ in 0..2 {
        let kinds = [ErrorKind::Timeout, ErrorKind::Connection];
        join_all(handles.iter().map(|handle| fails(handle, &kinds))).await;
    }
    server.restart().unwrap();
    for handle in &handles {
        answers(handle).await;
    }
}

async fn ping_ends_in_time_while_every_connection_is_in_use(database: TestDatabase) {
    // The application's pool.
    for layout in LAYOUTS {
        let pool = connect(&database.url, 1).await;
        let handle = handles::over(&pool, layout, patient(&database.url)).migrated().await;
        let transaction = pool.begin().await.unwrap();
        let error = fails(&handle, &[ErrorKind::Timeout]).await;
        assert!(error.message().contains("in use"), "{error}");
        transaction.rollback().await.unwrap();
        answers(&handle).await;
    }
    // One of its own, where a call waits for a lock.
    for handle in handles::own(&patient(&database.url), 1).await {
        let item = NewItem::new("waits");
        let blocker = match database.backend() {
            DbBackend::Sqlite => Blocker::run(&database, &[]).await,
            _ => Blocker::of_deliveries(&database, &handle, &[1], &item).await,
        };
        let add = start(handle.streams.add_stream_item(1, item));
        if database.backend() == DbBackend::Sqlite {
            // Writers have a connection of their own.
            handle.streams.ping().await.unwrap();
        } else {
            // The only connection is in use before the ping.
            eventually(5.0, handle.name(), async || handle.streams.ping().await.is_err()).await;
            fails(&handle, &[ErrorKind::Timeout]).await;
        }
        blocker.release().await;
        add.end().await.unwrap();
        answers(&handle).await;
    }
}

async fn ping_is_not_counted_among_the_calls_that_wait(database: TestDatabase) {
    if database.backend() == DbBackend::Sqlite {
        return;
    }
    for handle in handles::handles(&patient(&database.url).with_max_waiting(1), 1).await {
        let item = NewItem::new("waits");
        let blocker = Blocker::of_deliveries(&database, &handle, &[1], &item).await;
        let read = async || handle.streams.get_stream_items(1).slice(..1).await.map(drop);
        // One add has the connection, another the place to wait for it. An add is refused while one
        // before it waits for the connection, so that it takes more than two.
        let mut adds = Vec::new();
        let taken = async {
            let mut refused = 0;
            while refused < 10 {
                adds.push(start(handle.streams.add_stream_item(1, item.clone())));
                let read = tokio::time::timeout(seconds(0.05), read()).await;
                match read {
                    Ok(Err(error)) if error.kind() == ErrorKind::Overloaded => refused += 1,
                    _ => refused = 0,
                }
                tokio::time::sleep(seconds(0.01)).await;
            }
        };
        within(10.0, handle.name(), taken).await;
        fails(&handle, &[ErrorKind::Timeout]).await;
        // Nor does a ping take the place of a call.
        let pings = join_all((0..5).map(|_| fails(&handle, &[ErrorKind::Timeout])));
        let refused = async {
            let error = read().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Overloaded, "{}: {error:?}", handle.name());
        };
        tokio::join!(pings, refused);
        blocker.release().await;
    }
}

async fn ping_reads_the_file_of_sqlite(database: TestDatabase) {
    if database.backend() != DbBackend::Sqlite {
        return;
    }
    // In memory, where reads and writes share a connection.
    let memory = handles::own_unmigrated(Layout::ManyToMany, patient("sqlite::memory:")).await;
    memory.streams.ping().await.unwrap();
    // A file that another connection has locked: without a write-ahead log readers wait too.
    let path = database.directory.path().join("locked.db");
    let url = format!("sqlite://{}?mode=rwc", path.display());
    let other = connect(&url, 1).await;
    other.execute_unprepared("CREATE TABLE x (y)").await.unwrap();
    let over = handles::over(&connect(&url, 2).await, Layout::SingleTable, patient(&url));
    over.streams.ping().await.unwrap();
    other.execute_unprepared("BEGIN EXCLUSIVE").await.unwrap();
    fails(&over, &[ErrorKind::Timeout]).await;
    other.execute_unprepared("ROLLBACK").await.unwrap();
    // A file that is replaced by something else: an open connection reads it again.
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, vec![b'x'; bytes.len()]).unwrap();
    let error = over.streams.ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
}

async fn pings_of_a_hanging_server_leave_nothing_behind(database: TestDatabase) {
    if database.backend() == DbBackend::Sqlite {
        return;
    }
    let proxy = Proxy::before(&database.url).await;
    let handles = used(&proxy.url()).await;
    proxy.stall_all();
    for _ in 0..3 {
        let pings = handles.iter().flat_map(|handle| (0..20).map(move |_| handle.streams.ping()));
        let (answers, took) = timed(10.0, "pings", join_all(pings)).await;
        assert!(answers.iter().all(Result::is_err));
        assert!(took <= seconds(AT_MOST), "took {took:?}");
    }
    proxy.cut();
    proxy.release();
    for handle in &handles {
        answers(handle).await;
        // All connections of the pool.
        for answer in join_all((0..10).map(|_| handle.streams.ping())).await {
            answer.unwrap();
        }
    }
}

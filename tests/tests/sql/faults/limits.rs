//! Settings out of range, and calls without a runtime: an error, and no panic.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use sea_orm::DbBackend;
use user_streams_core::{ErrorKind, Settings, Streams, backend::Backend};
use user_streams_many_to_many::ManyToManyBackend;
use user_streams_single_table::{SingleTableBackend, SingleTableConfig};

use super::{child, seconds, within};
use crate::database::TestDatabase;

crate::tests![
    a_timeout_out_of_range_is_refused_with_the_range,
    a_pool_size_out_of_range_is_refused_with_the_range,
    connecting_outside_of_a_runtime_is_an_error,
    calls_outside_of_a_runtime_are_errors,
];

async fn is_refused(scheme: &str, url: &str, option: &str, value: impl Into<serde_json::Value>) {
    let value = value.into();
    let name = format!("{option} = {value}");
    let settings = Settings::new(format!("{scheme}+{url}")).with_option(option, value);
    let connected = within(8.0, &name, Streams::connect(settings)).await;
    let error = connected.map(drop).expect_err(&name);
    assert_eq!(error.kind(), ErrorKind::InvalidSettings, "{name}: {error:?}");
    let message = error.message();
    assert!(message.contains(option), "{name}: {message}");
    // Such as "expected 1 to 1000".
    assert!(message.contains(" to "), "{name}: no range: {message}");
}

async fn a_timeout_out_of_range_is_refused_with_the_range(database: TestDatabase) {
    for option in ["connect_timeout", "operation_timeout", "broadcast_timeout"] {
        for scheme in ["single-table", "many-to-many"] {
            for value in [1.8e19, 1e300, -1.0, 0.0] {
                is_refused(scheme, &database.url, option, value).await;
            }
        }
        // The same over an application's pool.
        let longest = seconds(1.8e19);
        let config = database.config();
        let config = match option {
            "connect_timeout" => config.with_connect_timeout(longest),
            "operation_timeout" => config.with_operation_timeout(longest),
            _ => config.with_broadcast_timeout(longest),
        };
        let backend = ManyToManyBackend::new(database.connection.clone(), config);
        let error = backend.map(drop).expect_err(option);
        assert_eq!(error.kind(), ErrorKind::InvalidSettings, "{option}: {error:?}");
        assert!(error.message().contains(option), "{error}");
    }
}

/// In another process: a size may ask for more memory than there is, which would end the process.
async fn a_pool_size_out_of_range_is_refused_with_the_range(database: TestDatabase) {
    if child::directory().is_none() {
        let kind = match database.backend() {
            DbBackend::Sqlite => "sqlite",
            DbBackend::Postgres => "postgres",
            _ => "mysql",
        };
        let test =
            format!("{kind}::faults::limits::a_pool_size_out_of_range_is_refused_with_the_range");
        return child::run(&test, database.directory.path(), "");
    }
    for scheme in ["single-table", "many-to-many"] {
        for value in [u32::MAX, 0] {
            is_refused(scheme, &database.url, "max_connections", value).await;
        }
    }
}

/// Polls a future on a thread outside of any runtime, until it ends.
fn poll_manually<T: Send + 'static, F>(
    what: &'static str,
    future: impl FnOnce() -> F + Send + 'static,
) -> T
where
    F: Future<Output = T>,
{
    let poll = move || {
        let mut future = pin!(future());
        let deadline = Instant::now() + Duration::from_secs(4);
        let mut context = Context::from_waker(Waker::noop());
        while Instant::now() < deadline {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return Some(output);
            }
            thread::sleep(Duration::from_millis(1));
        }
        None
    };
    let ended = thread::spawn(|| catch_unwind(AssertUnwindSafe(poll))).join().unwrap();
    match ended {
        Ok(Some(output)) => output,
        Ok(None) => panic!("{what} does not end"),
        Err(_) => panic!("{what} panics"),
    }
}

async fn connecting_outside_of_a_runtime_is_an_error(database: TestDatabase) {
    let (one, other) = (database.config(), database.config());
    poll_manually("connecting", || SingleTableBackend::connect(one)).map(drop).unwrap_err();
    poll_manually("connecting", || ManyToManyBackend::connect(other)).map(drop).unwrap_err();
}

async fn calls_outside_of_a_runtime_are_errors(database: TestDatabase) {
    let config: SingleTableConfig = database.config();
    let application = SingleTableBackend::new(database.connection.clone(), config.clone()).unwrap();
    let backends: [Box<dyn Backend>; 3] = [
        Box::new(SingleTableBackend::connect(config.clone()).await.unwrap()),
        Box::new(ManyToManyBackend::connect(config).await.unwrap()),
        Box::new(application),
    ];
    for backend in backends {
        let streams = Streams::from_backend(backend);
        streams.migrate().await.unwrap();
        streams.add_stream_item(1, "within").await.unwrap();
        for users in [vec![1], vec![1, 2]] {
            let add = streams.add_stream_item(users, "outside").into_future();
            poll_manually("an add", || add).map(drop).unwrap_err();
        }
        let read = streams.get_stream_items(1).slice(..5).into_future();
        poll_manually("a read", || read).map(drop).unwrap_err();
        // And then in a runtime.
        let add = within(5.0, "an add after that", streams.add_stream_item(2, "within"));
        assert_eq!(add.await.unwrap().delivered, 1);
    }
}

//! The expected result of connecting.

use std::{
    error::Error as _,
    time::{Duration, Instant},
};

use user_streams_core::{ErrorKind, Settings, Streams};

/// A refusal is immediate: it waits neither for `connect_timeout` nor for another attempt.
const AT_ONCE: Duration = Duration::from_secs(3);

/// The settings connect, and an item that is added can be read.
pub(crate) async fn served(what: &str, settings: Settings) {
    let streams =
        Streams::connect(settings).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
    streams.migrate().await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
    streams.add_stream_item(1, what).await.unwrap();
    assert_eq!(streams.get_stream_items(1).get(0).await.unwrap().unwrap().content, what);
    streams.close().await.unwrap();
}

/// The settings are refused at once and for good, for this reason, and without the password.
pub(crate) async fn refused(what: &str, settings: Settings, reasons: &[&str]) {
    let started = Instant::now();
    let Err(error) = Streams::connect(settings).await else { panic!("{what}: it connects") };
    assert!(started.elapsed() < AT_ONCE, "{what}: only after {:?}: {error:?}", started.elapsed());
    assert_eq!(error.kind(), ErrorKind::InvalidSettings, "{what}: {error:?}");
    assert!(!error.is_retryable(), "{what}: {error:?}");
    for reason in reasons {
        assert!(error.message().contains(reason), "{what}: no `{reason}` in: {error:?}");
    }
    let mut cause = error.source();
    let mut shown = format!("{error} {error:?}");
    while let Some(error) = cause {
        shown += &format!(" {error} {error:?}");
        cause = error.source();
    }
    assert!(!shown.contains("s3cret"), "{what}: {shown}");
}

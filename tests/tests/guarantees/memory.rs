//! How much memory a broadcast to a long stream of users takes, measured in a process of its own.

use std::{env, fs, process::Command};

use futures_util::stream;
use user_streams_core::{Recipients, Settings, Streams};
use user_streams_test_servers::{Kind, Profile, start};

/// The URL of the streams, for the process that is measured.
const VARIABLE: &str = "USER_STREAMS_TEST_BROADCAST_TO";
/// Enough chunks that buffers, caches and connections have their final size.
const FEW: i64 = 200_000;
const MANY: i64 = 1_000_000;
/// A million ids in memory would be several times as much.
const MAX_GROWTH_KIB: u64 = 8 * 1024;

/// The peak while a million users receive an item is that of a fifth of them.
pub(crate) fn a_broadcast_to_a_million_takes_no_more_than_one_to_some(
    backend: &str,
    kind: Option<Kind>,
) {
    let directory = tempfile::tempdir().unwrap();
    let server = kind.map(|kind| start(kind, Profile::Fast).unwrap());
    let url = server.as_ref().map_or_else(
        || format!("sqlite://{}?mode=rwc", directory.path().join("feeds.db").display()),
        |server| server.url.clone(),
    );
    let mut child = Command::new(env::current_exe().unwrap());
    let output = child.env(VARIABLE, format!("{backend}{url}")).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let figures: Vec<u64> =
        text.split_whitespace().filter_map(|figure| figure.parse().ok()).collect();
    let [few, many] = figures[..] else {
        panic!("no figures: {text}{}", String::from_utf8_lossy(&output.stderr));
    };
    println!("{few} KiB to {FEW}, {many} KiB to {MANY}");
    assert!(many <= few + MAX_GROWTH_KIB, "{few} KiB to {FEW}, {many} KiB to {MANY}");
}

/// In the process that is measured: broadcasts, and prints its peak after each.
///
/// Returns whether this is that process.
pub(crate) fn measure() -> bool {
    let Ok(url) = env::var(VARIABLE) else { return false };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let streams = Streams::connect(Settings::new(&url)).await.unwrap();
        streams.migrate().await.unwrap();
        for users in [FEW, MANY] {
            let all = Recipients::stream(stream::iter(1..=users));
            let delivered = streams.add_stream_item(all, "x".repeat(100)).await.unwrap().delivered;
            assert_eq!(delivered, users as u64);
            println!("{}", peak_kib());
        }
        streams.close().await.unwrap();
    });
    true
}

/// The most memory that this process has had, by `/proc`.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

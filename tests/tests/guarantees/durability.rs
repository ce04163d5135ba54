//! What is acknowledged survives the end of the client and of the server, both by SIGKILL, and is
//! read back by another process.

use std::{
    env,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use futures_util::future::join_all;
use user_streams_core::{Settings, Streams};
use user_streams_test_servers::{Kind, Profile, start_with};

/// The URL of the streams, for the process that adds.
const VARIABLE: &str = "USER_STREAMS_TEST_ADD_TO";
const TASKS: i64 = 8;
/// How many adds are acknowledged before the end.
const ADDS: usize = 300;

/// A client adds until it is killed, and then its server.
pub(crate) fn what_was_acknowledged_outlives_killed_processes(backend: &str, kind: Option<Kind>) {
    let directory = tempfile::tempdir().unwrap();
    // As they are by default; Redis with the one setting by which it waits for its disk.
    let options: &[&str] = match kind {
        Some(Kind::Redis) => &["--appendfsync", "always"],
        _ => &[],
    };
    let mut server = kind.map(|kind| start_with(kind, Profile::Durable, options).unwrap());
    let url = server.as_ref().map_or_else(|| file(directory.path()), |server| server.url.clone());
    let url = format!("{backend}{url}");

    let mut client = Command::new(env::current_exe().unwrap());
    client.env(VARIABLE, &url).stdout(Stdio::piped());
    let mut client = client.spawn().unwrap();
    let mut lines = BufReader::new(client.stdout.take().unwrap()).lines();
    let mut added: Vec<_> = lines.by_ref().take(ADDS).map(Result::unwrap).collect();
    client.kill().unwrap();
    if let Some(server) = &mut server {
        server.kill().unwrap();
        server.restart().unwrap();
    }
    client.wait().unwrap();
    // What it printed before its end was acknowledged too.
    added.extend(lines.map_while(Result::ok));
    assert!(added.len() >= ADDS, "{added:?}");

    let mut stored = tokio::runtime::Runtime::new().unwrap().block_on(stored(&url));
    stored.sort_unstable();
    added.sort_unstable();
    let lost: Vec<_> =
        added.iter().filter(|content| stored.binary_search(content).is_err()).collect();
    assert!(lost.is_empty(), "of {} acknowledged adds are lost: {lost:?}", added.len());
    let adds = stored.len();
    stored.dedup();
    assert_eq!(stored.len(), adds, "some are stored twice");
}

fn file(directory: &Path) -> String {
    format!("sqlite://{}?mode=rwc", directory.join("feeds.db").display())
}

async fn stored(url: &str) -> Vec<String> {
    let streams = Streams::connect(Settings::new(url)).await.unwrap();
    let mut contents = Vec::new();
    for user in 0..TASKS {
        let items = streams.get_stream_items(user).await.unwrap();
        contents.extend(items.into_iter().map(|item| item.content));
    }
    streams.close().await.unwrap();
    contents
}

/// In the process that adds: prints what is acknowledged, until it is killed.
///
/// Returns whether this is that process.
pub(crate) fn add_until_the_end() -> bool {
    let Ok(url) = env::var(VARIABLE) else { return false };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let streams = Streams::connect(Settings::new(&url)).await.unwrap();
        streams.migrate().await.unwrap();
        join_all((0..TASKS).map(|user| {
            let streams = streams.clone();
            tokio::spawn(async move {
                for number in 0_u64.. {
                    let content = format!("{number} for {user}");
                    streams.add_stream_item(user, content.as_str()).await.unwrap();
                    println!("{content}");
                }
            })
        }))
        .await;
    });
    true
}

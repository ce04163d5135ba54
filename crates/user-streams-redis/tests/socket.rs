//! A server by its Unix socket.
//!
//! `cargo test -p user-streams-redis --test socket`

#![cfg(unix)]

mod common;

use std::{env, fs, path::PathBuf, process};

use common::{
    Redis,
    streams::{config, connect},
};
use user_streams_core::{ErrorKind, Recipients, Settings, Streams};
use user_streams_redis::RedisBackend;

struct Socket(PathBuf);

impl Socket {
    fn new(name: &str) -> Self {
        Self(env::temp_dir().join(format!("user-streams-{}-{name}.sock", process::id())))
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        _ = fs::remove_file(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_used_by_its_socket_with_a_login_and_a_database() {
    let socket = Socket::new("login");
    let options = ["--unixsocket", socket.path(), "--requirepass", "p@ss"];
    let mut server = Redis::start(&options);
    let url = format!("redis+unix://:p%40ss@{}?db=3", socket.path());
    let streams = Streams::connect(Settings::new(&*url)).await.unwrap();
    let added = streams.add_stream_item(Recipients::iter(0..3_000), "item").await.unwrap();
    assert_eq!(added.delivered, 3_000);
    assert_eq!(streams.get_stream_items(7).await.unwrap()[0].content, "item");
    streams.ping().await.unwrap();
    let keys = server.cli(&["-a", "p@ss", "--no-auth-warning", "-n", "3", "dbsize"]);
    assert_eq!(keys, "3000");

    let wrong = url.replace("p%40ss", "wrong");
    let error = RedisBackend::connect(&wrong, config()).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::InvalidSettings, false));

    server.kill();
    let streams = Streams::connect(Settings::new(&*url)).await;
    let error = streams.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Connection, true), "{error:?}");
    assert!(error.message().contains(socket.path()), "{error}");
    assert!(!format!("{error:?}").contains("p@ss"), "{error:?}");
}

#[tokio::test]
async fn a_server_that_was_restarted_is_used_again_by_its_socket() {
    let socket = Socket::new("restart");
    let mut server = Redis::start(&["--unixsocket", socket.path(), "--appendonly", "yes"]);
    let streams = connect(&format!("redis+unix://{}", socket.path())).await;
    streams.add_stream_item(1, "item").await.unwrap();
    server.kill();
    let error = streams.ping().await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Connection, true), "{error:?}");
    server.restart();
    assert_eq!(streams.get_stream_items(1).count().await.unwrap(), 1);
}

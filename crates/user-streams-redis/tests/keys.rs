//! The names of keys on a real server: who may reach which, and no other program's.
//!
//! `cargo test -p user-streams-redis --test keys`

mod common;

use std::sync::Arc;

use common::{
    Redis,
    streams::{backend_with, config, connect},
};
use futures_util::future::join_all;
use user_streams_core::{
    ErrorKind, NewItem, UserIdKind,
    backend::{AddStreamItem, SetMark},
};
use user_streams_redis::{
    RedisConfig,
    fred::{
        interfaces::ClientLike,
        types::{Builder, ClusterHash, CustomCommand, config::Config},
    },
};

/// The documented patterns, as the server matches them.
#[tokio::test]
async fn the_documented_pattern_of_a_tenant_reaches_no_other_tenants_keys() {
    let server = Redis::start(&[]);
    let tenants = [
        ("a", "a"),
        ("a:item", "a:item"),
        ("a:user:1", "a:user:1"),
        ("a:streams", "a:streams"),
        ("*", "%2A"),
        ("?", "%3F"),
        ("[ab]", "%5Bab]"),
        (r"\a", "%5Ca"),
        ("a b", "a%20b"),
        ("^-", "^-"),
        ("", ""),
    ];
    let ids = ["1", "", ":stream:1", "a:stream:1", "*", "content:1:1", "feed:a:1", "{a}", "mark:{"];
    let mut keys: Vec<(usize, String)> = Vec::new();
    for (tenant, (prefix, _)) in tenants.iter().enumerate() {
        server.cli(&["flushall"]);
        let config = config()
            .with_key_prefix(*prefix)
            .with_user_id(UserIdKind::Text)
            .with_shared_content_min_len(1);
        let main = backend_with(&server.url(), config).await;
        let feed = |name: &str| main.feed(&name.parse().unwrap(), UserIdKind::Text).unwrap();
        for backend in [Arc::clone(&main), feed("news"), feed("stream")] {
            let item = NewItem::new("item");
            for id in ids {
                let mark = SetMark::new(id.into(), "seen".parse().unwrap(), item.cursor());
                assert!(backend.set_mark(mark).await.unwrap());
            }
            backend.add_stream_item(AddStreamItem::new(ids, item).unwrap()).await.unwrap();
        }
        let all = server.cli(&["--raw", "keys", "*"]);
        assert_eq!(all.lines().count(), 3 * (2 * ids.len() + 1), "{all}");
        keys.extend(all.lines().map(|key| (tenant, key.to_owned())));
    }
    let client = Builder::from_config(Config::from_url(&server.url()).unwrap()).build().unwrap();
    client.init().await.unwrap();
    for (number, (_, encoded)) in tenants.iter().enumerate() {
        let login = format!("tenant{number}");
        let [streams, content, marks, feeds] =
            ["stream", "content", "mark", "feed"].map(|kind| format!("~{encoded}:{kind}:*"));
        let patterns = [&*streams, &content, &marks, &feeds];
        let rules = ["acl", "setuser", &login, "on", ">pw", "+get"];
        assert_eq!(server.cli(&[&rules[..], &patterns].concat()), "OK");
        let may_read = keys.iter().map(|(_, key)| {
            let command = CustomCommand::new_static("ACL", ClusterHash::Random, false);
            client.custom(command, ["DRYRUN", &login, "get", key].map(ToOwned::to_owned).to_vec())
        });
        let answers: Vec<Result<String, _>> = join_all(may_read).await;
        for ((owner, key), answer) in keys.iter().zip(answers) {
            let is_allowed = answer.as_deref() == Ok("OK");
            assert_eq!(is_allowed, *owner == number, "{encoded}: {key}: {answer:?}");
        }
    }
}

/// Its keys are `user_streams:user:<id>`, with the same default prefix.
#[tokio::test]
async fn the_keys_of_django_user_streams_are_not_ours() {
    let server = Redis::any();
    let theirs = ["zadd", "user_streams:user:4242", "1777982400"];
    let member = "0f1e2d3c4b5a69788796a5b4c3d2e1f0Hello";
    server.cli(&[&theirs[..], &[member]].concat());
    let streams = connect(&server.url()).await;
    streams.migrate().await.unwrap();
    let items = streams.get_stream_items(4242);
    assert_eq!(items.count().await.unwrap(), 0);
    streams.add_stream_item(4242, "ours").await.unwrap();
    assert_eq!(items.clone().await.unwrap().len(), 1);
    assert_eq!(server.cli(&["zrange", "user_streams:user:4242", "0", "-1"]), member);
    assert_eq!(server.cli(&["zcard", "user_streams:stream:4242"]), "1");
}

#[tokio::test]
async fn a_prefix_that_could_form_other_keys_is_refused_before_anything_is_sent() {
    for prefix in ["stream", "a:feed", "content:b"] {
        let config = RedisConfig::new().with_key_prefix(prefix);
        let connected =
            user_streams_redis::RedisBackend::connect("redis://127.0.0.1:1", config).await;
        let error = connected.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSettings);
        assert!(error.message().starts_with("key_prefix: "), "{error}");
    }
}

//! Redis, as a test uses it.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value as Json;
use user_streams_redis::fred::{
    prelude::{Client, ClientLike, Config},
    types::{ClusterHash, CustomCommand, Value},
};

use crate::source::fixture;

/// The score and the bytes.
type Member = (f64, Vec<u8>);

/// The users in the fixture, and the members of each, oldest first.
pub(crate) fn members() -> Vec<(String, Vec<Member>)> {
    let keys: serde_json::Map<String, Json> = serde_json::from_str(&fixture("redis.json")).unwrap();
    let member = |member: &Json| {
        let bytes = STANDARD.decode(member[1].as_str().unwrap()).unwrap();
        (member[0].as_f64().unwrap(), bytes)
    };
    let keys = keys.into_iter().map(|(key, members)| {
        let user = key.strip_prefix("user_streams:user:").unwrap().to_owned();
        (user, members.as_array().unwrap().iter().map(member).collect())
    });
    keys.collect()
}

pub(crate) async fn connect(url: &str) -> Client {
    let client = Client::new(Config::from_url(url).unwrap(), None, None, None);
    client.init().await.unwrap();
    client
}

pub(crate) async fn command(client: &Client, words: Vec<Vec<u8>>) -> Value {
    let mut words = words.into_iter();
    let name = String::from_utf8(words.next().unwrap()).unwrap();
    let command = CustomCommand::new(name, ClusterHash::Random, false);
    let words: Vec<_> = words.map(|word| Value::Bytes(word.into())).collect();
    client.custom(command, words).await.unwrap()
}

/// A command of texts.
pub(crate) async fn say(client: &Client, words: &str) -> Value {
    command(client, words.split(' ').map(|word| word.as_bytes().to_vec()).collect()).await
}

/// Stores the fixture under another prefix.
pub(crate) async fn store(url: &str, prefix: &str) {
    let client = connect(url).await;
    for (user, members) in members() {
        for (score, member) in members {
            let key = format!("{prefix}:user:{user}").into_bytes();
            let score = score.to_string().into_bytes();
            command(&client, vec![b"ZADD".to_vec(), key, score, member]).await;
        }
    }
    client.quit().await.unwrap();
}

/// Deletes every key that begins so.
pub(crate) async fn delete(url: &str, prefix: &str) {
    let client = connect(url).await;
    let keys = say(&client, &format!("KEYS {prefix}*")).await;
    for key in keys.into_array() {
        command(&client, vec![b"DEL".to_vec(), key.into_owned_bytes().unwrap()]).await;
    }
    client.quit().await.unwrap();
}

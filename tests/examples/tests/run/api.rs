//! JSON by cursor.

use serde_json::Value;

use crate::program::Server;

const ME: &str = "X-User: 42";

fn start() -> Server {
    Server::start(env!("CARGO_BIN_EXE_api"))
}

#[test]
fn pages_by_cursor_have_every_item_once_and_newest_first() {
    let api = start();
    let mut path = "/feed?limit=5".to_owned();
    let mut contents = Vec::new();
    let mut lengths = Vec::new();
    loop {
        let answer = api.get(&path, ME);
        assert_eq!(answer.status, 200, "{answer:?}");
        let page: Value = serde_json::from_str(&answer.body).expect("JSON");
        let items = page["items"].as_array().expect("items");
        lengths.push(items.len());
        contents.extend(items.iter().map(|item| item["content"].as_str().map(str::to_owned)));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/feed?limit=5&after={next}");
    }
    assert_eq!(lengths, [5, 5, 2]);
    let expected = (1..=12).rev().map(|n| Some(format!("Message {n}"))).collect::<Vec<_>>();
    assert_eq!(contents, expected);
}

#[test]
fn what_is_read_is_unread_no_more_and_of_this_user_alone() {
    let api = start();
    assert_eq!(api.get("/unread", ME).body, r#"{"unread":12}"#);
    assert_eq!(api.get("/unread", "X-User: 43").body, r#"{"unread":0}"#);
    assert_eq!(api.post("/read", ME, "").status, 204);
    assert_eq!(api.get("/unread", ME).body, r#"{"unread":0}"#);
}

#[test]
fn what_is_asked_wrongly_is_refused() {
    let api = start();
    assert_eq!(api.get("/feed", "Accept: */*").status, 401);
    assert_eq!(api.get("/feed?after=tomorrow", ME).status, 400);
    assert_eq!(api.get("/feed?limit=-1", ME).status, 400);
}

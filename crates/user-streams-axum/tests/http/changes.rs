//! What a user changes.

use axum::http::StatusCode;
use user_streams_core::{MemoryBackend, Streams, everyone};

use crate::app::{App, BASE, ME, filled};

#[tokio::test]
async fn marks_move_up_to_a_place_and_never_back() {
    let (streams, items) = filled(4).await;
    let (app, mine) = (App::new(streams.clone()), streams.get_stream_items(ME));
    let up_to = |n: usize| format!(r#"{{"up_to":"{}"}}"#, items[n].cursor());
    for (path, place, moved) in
        [("/seen", 2, true), ("/seen", 3, false), ("/read", 1, true), ("/read", 3, false)]
    {
        let answer = app.post(path, &up_to(place)).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["moved"]), (200, &moved.into()));
    }
    assert_eq!(mine.unread(10).await.unwrap(), 1);
    assert_eq!(mine.unseen(10).await.unwrap(), 1, "what was read was seen");
}

#[tokio::test]
async fn without_a_place_marks_move_up_to_the_newest() {
    let (streams, _) = filled(3).await;
    let (app, mine) = (App::new(streams.clone()), streams.get_stream_items(ME));
    app.post("/seen", "").await;
    assert_eq!((mine.unseen(9).await.unwrap(), mine.unread(9).await.unwrap()), (0, 3));
    app.post("/read", "{}").await;
    assert_eq!(mine.unread(9).await.unwrap(), 0);
}

#[tokio::test]
async fn single_items_are_read_and_unread() {
    let (streams, items) = filled(3).await;
    let (app, mine) = (App::new(streams.clone()), streams.get_stream_items(ME));
    let answer = app.post(&format!("/items/{}/read", items[1].cursor()), "{}").await;
    assert_eq!(answer.json(), serde_json::json!({ "read": true }));
    assert_eq!(mine.are_read(&items).await.unwrap(), [false, true, false]);
    let answer = app.post(&format!("/items/{}/unread", items[1].cursor()), "{}").await;
    assert_eq!(answer.json(), serde_json::json!({ "read": false }));
    assert_eq!(mine.are_read(&items).await.unwrap(), [false, false, false]);
}

#[tokio::test]
async fn an_item_of_everyones_is_dismissed_by_one() {
    let (streams, _) = filled(0).await;
    let item = streams.add_stream_item(everyone(), "Maintenance").await.unwrap().item;
    let app = App::new(streams.clone());
    let path = format!("/items/{item}/dismiss");
    assert_eq!(app.post(&path, "").await.json(), serde_json::json!({ "changed": true }));
    assert_eq!(app.post(&path, "").await.json(), serde_json::json!({ "changed": false }));
    assert_eq!(streams.get_stream_items(ME).count().await.unwrap(), 0);
    assert_eq!(streams.get_stream_items(43).count().await.unwrap(), 1);
    let undo = app.post(&format!("/items/{item}/undismiss"), "").await;
    assert_eq!(undo.json(), serde_json::json!({ "changed": true }));
    assert_eq!(streams.get_stream_items(ME).count().await.unwrap(), 1);
}

#[tokio::test]
async fn a_form_returns_to_its_page() {
    let (streams, items) = filled(3).await;
    let app = App::new(streams.clone());
    for (fields, to) in [
        ("page=2", format!("{BASE}?page=2")),
        ("page=1", BASE.to_owned()),
        ("", BASE.to_owned()),
        ("page=//example.com", BASE.to_owned()),
    ] {
        let answer = app.submit("/seen", fields).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, &*to));
    }
    let fields = format!("page=1&up_to={}", items[1].cursor());
    assert_eq!(app.submit("/read", &fields).await.status, StatusCode::SEE_OTHER);
    assert_eq!(streams.get_stream_items(ME).unread(9).await.unwrap(), 1);
    app.submit("/read", "up_to=x").await.is_problem(400, "invalid-cursor");
}

#[tokio::test]
async fn a_body_that_is_none_of_ours_is_refused() {
    let app = App::new(filled(1).await.0);
    app.post("/read", "{").await.is_problem(400, "invalid-body");
    for body in [r#"{"up_to":"x"}"#, r#"{"upto":null}"#, "[1]", "7"] {
        app.post("/read", body).await.is_problem(422, "invalid-body");
    }
    let long = format!(r#"{{"up_to":"{}"}}"#, "x".repeat(3 << 20));
    app.post("/read", &long).await.is_problem(413, "invalid-body");
    app.post("/items/x/read", "{}").await.is_problem(400, "invalid-cursor");
}

#[tokio::test]
async fn what_the_settings_leave_out_is_not_there() {
    let streams = Streams::from_backend(MemoryBackend::default());
    let item = streams.add_stream_item(ME, "item").await.unwrap().item;
    let app = App::new(streams);
    for action in ["read", "unread", "dismiss", "undismiss"] {
        let answer = app.post(&format!("/items/{item}/{action}"), "").await;
        answer.is_problem(501, "unsupported");
    }
    let page = app.get("/").await.body;
    assert!(!page.contains("dismiss") && !page.contains("/unread"), "{page}");
    assert!(page.contains("Mark as read from here on down"), "{page}");
}

//! JSON: pages by cursor, and counts.

use std::time::Duration;

use axum::http::StatusCode;
use user_streams_axum::Options;

use crate::app::{App, BASE, ME, filled, streams};

/// The targets of a `Link` header, by their relation.
fn link<'a>(header: &'a str, rel: &str) -> Option<&'a str> {
    let end = format!("; rel=\"{rel}\"");
    let link = header.split(", ").find_map(|link| link.strip_suffix(&end))?;
    link.strip_prefix('<')?.strip_suffix('>')?.strip_prefix(BASE)
}

fn contents(page: &serde_json::Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["content"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn links_lead_to_the_end_and_back() {
    let (streams, items) = filled(5).await;
    let app = App::new(streams);
    let first = app.get("/items?limit=2").await;
    assert_eq!(first.status, StatusCode::OK);
    assert_eq!(contents(&first.json()), ["item 4", "item 3"]);
    let newest = &first.json()["items"][0];
    assert_eq!(newest["cursor"], items[0].cursor().to_string());
    assert_eq!(newest["id"], items[0].id.to_string());
    assert_eq!(newest["read"], false);
    assert!(newest["created_at"].as_str().unwrap().ends_with('Z'), "{newest}");
    assert_eq!(link(first.header("link"), "prev"), None);

    let second = app.get(link(first.header("link"), "next").unwrap()).await;
    assert_eq!(contents(&second.json()), ["item 2", "item 1"]);
    let third = app.get(link(second.header("link"), "next").unwrap()).await;
    assert_eq!(contents(&third.json()), ["item 0"]);
    assert_eq!(link(third.header("link"), "next"), None);
    assert_eq!(third.json()["next"], serde_json::Value::Null);

    let back = app.get(link(third.header("link"), "prev").unwrap()).await;
    assert_eq!(contents(&back.json()), ["item 2", "item 1"]);
    let again = app.get(link(back.header("link"), "first").unwrap()).await;
    assert_eq!(again.body, first.body);
}

#[tokio::test]
async fn a_limit_is_bounded_and_a_wrong_one_is_refused() {
    let (streams, _) = filled(8).await;
    let app = App::with(streams, Options::new().with_page_size(3).with_max_limit(5));
    for (limit, length) in [("", 3), ("?limit=4", 4), ("?limit=1000", 5)] {
        let page = app.get(&format!("/items{limit}")).await.json();
        assert_eq!(contents(&page).len(), length, "{limit}");
    }
    for limit in ["0", "-1", "x", ""] {
        app.get(&format!("/items?limit={limit}")).await.is_problem(400, "invalid-limit");
    }
}

#[tokio::test]
async fn a_wrong_cursor_is_refused() {
    let app = App::new(streams());
    app.get("/items?after=x").await.is_problem(400, "invalid-parameter");
    let (_, items) = filled(1).await;
    let place = items[0].cursor();
    let both = format!("/items?after={place}&before={place}");
    app.get(&both).await.is_problem(400, "invalid-parameter");
    let long = app.get(&format!("/items?after={}", "x".repeat(5_000))).await;
    assert!(long.body.len() < 600, "{}", long.body);
}

#[tokio::test]
async fn an_empty_stream_is_an_empty_page_from_whose_beginning_events_go() {
    let page = App::new(streams()).get("/items").await.json();
    assert_eq!(contents(&page).len(), 0);
    assert!(page["live_after"].as_str().is_some_and(|cursor| cursor.len() == 23), "{page}");
}

#[tokio::test]
async fn events_go_on_from_the_newest_item_that_is_not_still_to_come() {
    let (streams, items) = filled(2).await;
    let tomorrow = chrono::Utc::now() + chrono::TimeDelta::days(1);
    streams.add_stream_item(ME, "tomorrow").created_at(tomorrow).await.unwrap();
    let page = App::new(streams).get("/items").await.json();
    assert_eq!(contents(&page)[0], "tomorrow");
    assert_eq!(page["live_after"], items[0].cursor().to_string());
}

#[tokio::test]
async fn counts_stop_at_their_limit() {
    let (streams, items) = filled(4).await;
    streams.get_stream_items(ME).mark_seen().up_to(items[1].cursor()).await.unwrap();
    let app = App::with(streams, Options::new().with_count_limit(3));
    let counts = app.get("/counts").await.json();
    assert_eq!(counts, serde_json::json!({ "unseen": 1, "unread": 3, "limit": 3 }));
}

#[tokio::test]
async fn nothing_new_is_304_and_whatever_changes_is_not() {
    let (streams, items) = filled(3).await;
    let app = App::new(streams.clone());
    let mine = streams.get_stream_items(ME);
    for path in ["/items", "/counts", "/feed.atom", "/feed.json", "/", "/bell", "/list"] {
        let first = app.get(path).await;
        let tag = first.header("etag").to_owned();
        assert!(!tag.is_empty(), "{path}");
        assert_eq!(first.header("cache-control"), "private, no-cache");
        let again = app.get_with(path, &[("if-none-match", &tag)]).await;
        assert_eq!((again.status.as_u16(), again.body.as_str()), (304, ""), "{path}");
        assert_eq!(again.header("etag"), tag, "{path}");
        assert_eq!(again.header("link"), first.header("link"), "{path}");
    }
    let tag = app.get("/items").await.header("etag").to_owned();
    let is_new = async |tag: &mut String| {
        let answer = app.get_with("/items", &[("if-none-match", tag)]).await;
        let is_new = answer.status == StatusCode::OK;
        *tag = answer.header("etag").to_owned();
        is_new
    };
    let mut tag = tag;
    // An item goes and another comes, so that the newest place and the count stay.
    streams.remove_stream_item(ME, items[1].cursor()).await.unwrap();
    let between = items[1].created_at.to_utc();
    streams.add_stream_item(ME, "late").created_at(between).await.unwrap();
    assert!(is_new(&mut tag).await, "removed and added");
    let late = mine.get(1).await.unwrap().unwrap().cursor();
    mine.dismiss(late).await.unwrap();
    assert!(is_new(&mut tag).await, "dismissed");
    mine.undismiss(late).await.unwrap();
    assert!(is_new(&mut tag).await, "shown again");
    streams.retract(late).await.unwrap();
    assert!(is_new(&mut tag).await, "retracted");
    mine.mark_read().up_to(items[2].cursor()).await.unwrap();
    assert!(is_new(&mut tag).await, "read");
    mine.mark_item_unread(items[2].cursor()).await.unwrap();
    assert!(is_new(&mut tag).await, "unread");
    assert!(!is_new(&mut tag).await, "nothing");
}

/// What changes is not known to this process, and is then what the user does here.
#[tokio::test]
async fn a_fresh_answer_is_304_without_a_read_until_the_user_changes_something() {
    let (streams, items) = filled(3).await;
    let options = Options::new().with_fresh_for(Duration::from_secs(600));
    let app = App::with(streams.clone(), options);
    for path in ["/items", "/counts", "/feed.atom", "/feed.json", "/", "/bell", "/list"] {
        let tag = app.get(path).await.header("etag").to_owned();
        streams.add_stream_item(ME, "meanwhile").await.unwrap();
        let again = app.get_with(path, &[("if-none-match", &tag)]).await;
        assert_eq!((again.status.as_u16(), again.header("etag")), (304, &*tag), "{path}");
        assert_eq!(again.header("cache-control"), "private, no-cache", "{path}");
        let reload = [("if-none-match", &*tag), ("cache-control", "no-cache")];
        assert_eq!(app.get_with(path, &reload).await.status, StatusCode::OK, "{path}");

        let tag = app.get(path).await.header("etag").to_owned();
        streams.add_stream_item(ME, "and more").await.unwrap();
        app.post(&format!("/items/{}/dismiss", items[0].cursor()), "{}").await;
        let again = app.get_with(path, &[("if-none-match", &tag)]).await;
        assert_eq!(again.status, StatusCode::OK, "{path}: after a change");
    }
}

#[tokio::test]
async fn one_user_never_gets_304_for_what_another_has() {
    let app = App::new(streams());
    let tag = app.get("/items").await.header("etag").to_owned();
    let request = axum::http::Request::get(format!("{BASE}/items"))
        .header("x-user", 43)
        .header("if-none-match", tag);
    let answer = app.send(request.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
}

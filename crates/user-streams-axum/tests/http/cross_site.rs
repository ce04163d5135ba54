//! What changes something is not taken from the pages of other sites.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};

use crate::app::{App, BASE, ME, filled};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const JSON: (&str, &str) = ("content-type", "application/json");

async fn post(app: &App, path: &str, headers: &[(&str, &str)]) -> StatusCode {
    let request = Request::post(format!("{BASE}{path}")).header("x-user", ME);
    let mut request = request.header("host", "feed.example");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = app.send(request.body(Body::empty()).unwrap()).await;
    if answer.status == StatusCode::FORBIDDEN {
        answer.is_problem(403, "cross-site");
    }
    answer.status
}

#[tokio::test]
async fn no_page_of_another_site_changes_anything() {
    let (streams, items) = filled(2).await;
    let app = App::new(streams.clone());
    let of_item = |action: &str| format!("/items/{}/{action}", items[0].cursor());
    let paths = [
        "/seen".to_owned(),
        "/read".to_owned(),
        of_item("read"),
        of_item("unread"),
        of_item("dismiss"),
        of_item("undismiss"),
    ];
    let posts = include_str!("../../src/router.rs").matches(", post(").count();
    assert_eq!(paths.len(), posts, "every one is here");
    for path in paths {
        for headers in [
            [("sec-fetch-site", "cross-site"), FORM],
            [("sec-fetch-site", "same-site"), JSON],
            [("origin", "https://evil.example"), FORM],
            [("origin", "null"), JSON],
            [("x", "y"), FORM],
            [("x", "y"), ("content-type", "text/plain")],
        ] {
            let status = post(&app, &path, &headers).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{path} {headers:?}");
        }
    }
    let mine = streams.get_stream_items(ME);
    assert_eq!((mine.unseen(9).await.unwrap(), mine.unread(9).await.unwrap()), (2, 2));
    assert_eq!(mine.count().await.unwrap(), 2);
}

#[tokio::test]
async fn the_own_page_and_programs_change_things() {
    let app = App::new(filled(1).await.0);
    for headers in [
        [("sec-fetch-site", "same-origin"), FORM],
        [("origin", "https://feed.example"), FORM],
        [("x", "y"), JSON],
    ] {
        let status = post(&app, "/read", &headers).await;
        assert!(status.is_success() || status.is_redirection(), "{headers:?}: {status}");
    }
}

#[tokio::test]
async fn nothing_is_changed_by_get() {
    let (streams, items) = filled(1).await;
    let app = App::new(streams.clone());
    let dismiss = format!("/items/{}/dismiss", items[0].cursor());
    for path in ["/seen", "/read", dismiss.as_str()] {
        app.get(path).await.is_problem(405, "method");
    }
    for path in ["/", "/bell", "/list", "/items", "/counts", "/feed.atom", "/feed.json"] {
        app.get(path).await;
    }
    let mine = streams.get_stream_items(ME);
    assert_eq!((mine.unseen(9).await.unwrap(), mine.unread(9).await.unwrap()), (1, 1));
}

//! Errors.

use axum::{Router, body::Body, http::Request};
use serde_json::Value;
use user_streams_axum::{Options, router};
use user_streams_core::{
    Delivery, Error, ErrorKind, MemoryBackend, Result, StreamItem, Streams,
    backend::{AddStreamItem, Backend, Capabilities, CountQuery, StreamQuery, async_trait},
};

use crate::app::{App, BASE, streams};

/// Fails every read.
#[derive(Debug)]
struct Failing(ErrorKind, MemoryBackend);

impl Failing {
    fn error(&self) -> Error {
        Error::new(self.0, "connection to postgres://user:s3cr3t@db/app was refused")
    }
}

#[async_trait]
impl Backend for Failing {
    fn capabilities(&self) -> Capabilities {
        self.1.capabilities()
    }

    async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery> {
        self.1.add_stream_item(args).await
    }

    async fn get_stream_items(&self, _: StreamQuery) -> Result<Vec<StreamItem>> {
        Err(self.error())
    }

    async fn count_stream_items(&self, _: CountQuery) -> Result<u64> {
        Err(self.error())
    }
}

#[tokio::test]
async fn no_answer_has_a_secret_and_what_can_be_retried_says_when() {
    for (kind, status, code) in [
        (ErrorKind::Connection, 503, "unavailable"),
        (ErrorKind::Overloaded, 503, "unavailable"),
        (ErrorKind::Backend, 500, "internal"),
        (ErrorKind::NotMigrated, 500, "internal"),
    ] {
        let app = App::new(Streams::from_backend(Failing(kind, MemoryBackend::default())));
        for path in ["/items", "/feed.atom", "/feed.json", "/list", "/events"] {
            let answer = app.get(path).await;
            answer.is_problem(status, code);
            assert_eq!(answer.header("retry-after").is_empty(), status == 500, "{path}");
            assert!(!answer.body.contains("s3cr3t"), "{}", answer.body);
            assert_eq!(answer.header("cache-control"), "no-store");
        }
        let page = app.get("/").await;
        assert_eq!(page.status.as_u16(), status);
        assert!(page.header("content-type").starts_with("text/html"), "{}", page.body);
        assert!(page.body.contains("Try again") && !page.body.contains("s3cr3t"), "{}", page.body);
    }
}

#[tokio::test]
async fn nothing_is_served_to_one_who_is_not_known() {
    let app = App::new(streams());
    for path in ["", "/bell", "/list", "/items", "/counts", "/feed.atom", "/feed.json", "/events"] {
        let request = Request::get(format!("{BASE}{path}")).body(Body::empty()).unwrap();
        let answer = app.send(request).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (401, ""), "{path}");
    }
    for path in ["/seen", "/read"] {
        let request =
            Request::post(format!("{BASE}{path}")).header("content-type", "application/json");
        let answer = app.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status.as_u16(), 401, "{path}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    let app = App::new(streams());
    for path in ["/nothing", "/items/x", "/items/x/nothing", "/assets/nothing"] {
        app.get(path).await.is_problem(404, "not-found");
    }
    app.post("/items", "{}").await.is_problem(405, "method");
    assert_eq!(app.post("/items", "{}").await.header("allow"), "GET,HEAD");
}

#[tokio::test]
async fn an_id_that_the_backend_does_not_take_is_the_applications_mistake() {
    let who = async |_| Ok::<_, ()>("ann");
    let app = App(Router::new().nest(BASE, router(streams(), who, Options::new())));
    let answer = app.get("/items").await;
    answer.is_problem(500, "internal");
    let problem: Value = answer.json();
    assert!(!problem["detail"].as_str().unwrap().contains("ann"), "{problem}");
}

//! Content is shown and never run.

use user_streams_axum::{Options, Shown};

use crate::app::{App, ME, streams};

/// One a line, of OWASP's cheat sheet on evading filters and of PortSwigger's on vectors.
fn payloads() -> Vec<&'static str> {
    include_str!("xss_payloads.txt").lines().collect()
}

/// What an element of a page can begin with only if content was taken for HTML.
const OURS: [&str; 22] = [
    "a", "article", "body", "button", "div", "footer", "form", "h1", "head", "header", "html",
    "input", "link", "main", "meta", "nav", "p", "path", "script", "section", "span", "svg",
];

/// The names of the elements of a document, and how many scripts there are.
fn elements(html: &str) -> Vec<String> {
    let tags = html.split('<').skip(1);
    let names = tags.map(|tag| tag.trim_start_matches('/'));
    let name = |tag: &str| tag.chars().take_while(char::is_ascii_alphanumeric).collect();
    names.map(name).collect()
}

#[tokio::test]
async fn every_payload_appears_as_text() {
    let streams = streams();
    let payloads = payloads();
    let count = payloads.len();
    assert!(count > 80);
    for payload in &payloads {
        streams.add_stream_item(ME, *payload).await.unwrap();
    }
    let options = Options::new().with_page_size(count);
    let app = App::with(streams, options);
    for path in ["/", "/list"] {
        let html = app.get(path).await.body;
        for payload in &payloads {
            assert!(html.contains(&escaped(payload)), "{path}: {payload}");
        }
        assert_eq!(html.matches("<article").count(), count, "{path}");
        let elements = elements(&html);
        let scripts = elements.iter().filter(|name| *name == "script").count();
        assert_eq!(scripts, if path == "/" { 2 } else { 0 }, "one, opened and closed");
        let known = |name: &&String| {
            OURS.contains(&name.as_str()) || ["time", "title", "doctype", ""].contains(&&***name)
        };
        let strange: Vec<_> =
            elements.iter().filter(|name| !known(&&name.to_ascii_lowercase())).collect();
        assert!(strange.is_empty(), "{path}: {strange:?}");
    }
}

/// As HTML has it in text.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;")
}

#[tokio::test]
async fn nothing_breaks_out_of_an_attribute() {
    let streams = streams();
    streams.add_stream_item(ME, "x").await.unwrap();
    let evil = "\"><script>alert(1)</script>";
    let options = Options::new()
        .with_title(evil)
        .with_base_path(evil)
        .with_shown(move |_| Shown::text("x").with_link(format!("/{}", evil.replace(' ', ""))));
    let html = App::with(streams, options).get("/").await.body;
    assert!(!html.contains("<script>"), "{html}");
}

#[cfg(feature = "html")]
#[tokio::test]
async fn html_is_shown_without_what_could_run() {
    let streams = streams();
    let payloads = payloads();
    for payload in &payloads {
        streams.add_stream_item(ME, *payload).await.unwrap();
    }
    streams
        .add_stream_item(ME, "<b>bold</b> <a href=\"https://example.com\">link</a>")
        .await
        .unwrap();
    let shown = |item: &user_streams_core::StreamItem| Shown::html(&item.content);
    let options = Options::new().with_page_size(payloads.len() + 1).with_shown(shown);
    let app = App::with(streams, options);
    let html = app.get("/list").await.body;
    assert!(html.contains("<b>bold</b>"), "{html}");
    assert_eq!(html.matches("<article").count(), payloads.len() + 1);
    let lower = html.to_ascii_lowercase();
    for element in ["<script", "<iframe", "<object", "<embed", "<style", "<meta", "<base", "<math"]
    {
        assert!(!lower.contains(element), "{element}");
    }
    // Within a tag, and not in text.
    for tag in lower.split('<').skip(1).filter_map(|tag| tag.split_once('>')).map(|(tag, _)| tag) {
        let outside = tag.split('"').step_by(2).collect::<String>();
        assert!(!outside.contains(" on"), "{tag}");
        // Elsewhere in a URL it is a part of a path.
        assert!(!tag.contains("=\"javascript:") && !tag.contains("=\"data:"), "{tag}");
    }
    let feed = app.get("/feed.json").await.json();
    let content = feed["items"][0]["content_html"].as_str().unwrap();
    assert!(content.starts_with("<b>bold</b>"), "{content}");
    assert_eq!(feed["items"][0]["title"], "bold link");
    let atom = app.get("/feed.atom").await.body;
    assert!(atom.contains("<content type=\"html\">&lt;b&gt;bold"), "{atom}");
}

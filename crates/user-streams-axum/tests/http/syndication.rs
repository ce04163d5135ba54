//! For feed readers.

use axum::http::StatusCode;
use quick_xml::{Reader, events::Event};
use user_streams_axum::{Options, Shown};

use crate::app::{App, BASE, ME, filled, streams};

/// The texts of the elements of this name, if the whole is well-formed.
fn texts(xml: &str, name: &str) -> Vec<String> {
    let mut reader = Reader::from_str(xml);
    let (mut found, mut within) = (Vec::new(), false);
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return found,
            Event::Start(start) if start.name().as_ref() == name => {
                within = true;
                found.push(String::new());
            }
            Event::End(_) => within = false,
            Event::Text(text) if within => {
                found.last_mut().unwrap().push_str(&text);
            }
            Event::GeneralRef(entity) if within => {
                let entity = entity.to_string();
                let text = match entity.strip_prefix("#") {
                    Some(number) => char::from_u32(number.parse().unwrap()).unwrap().to_string(),
                    None => {
                        quick_xml::escape::resolve_predefined_entity(&entity).unwrap().to_owned()
                    }
                };
                found.last_mut().unwrap().push_str(&text);
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn atom_has_each_item_once_with_an_id_that_stays() {
    let (streams, items) = filled(3).await;
    let app = App::with(streams, Options::new().with_title("News & more"));
    let atom = app.get("/feed.atom?limit=2").await;
    assert_eq!(atom.status, StatusCode::OK);
    assert_eq!(atom.header("content-type"), "application/atom+xml; charset=utf-8");
    assert_eq!(texts(&atom.body, "content"), ["item 2", "item 1"]);
    assert_eq!(texts(&atom.body, "title"), ["News & more", "item 2", "item 1"]);
    let next = format!("href=\"{BASE}/feed.atom?limit=2&amp;after={}\"", items[1].cursor());
    assert!(atom.body.contains(&next), "{}", atom.body);
    let ids = texts(&atom.body, "id");
    assert!(ids.iter().all(|id| id.starts_with("urn:uuid:")), "{ids:?}");
    let more = app.get(&format!("/feed.atom?after={}", items[0].cursor())).await;
    let again = texts(&more.body, "id");
    assert_eq!((&again[0], &again[1]), (&ids[0], &ids[2]));
    assert_ne!(ids[1], ids[2]);
    assert_eq!(texts(&more.body, "updated").len(), 3);
}

#[tokio::test]
async fn atom_is_well_formed_whatever_the_content() {
    let streams = streams();
    let content = "]]> <b>&amp; & \u{1}\u{b}\u{1f}\u{fffe} \"'\r\n😀 \u{202e}";
    streams.add_stream_item(ME, content).await.unwrap();
    let atom = App::new(streams).get("/feed.atom").await.body;
    let text = texts(&atom, "content").pop().unwrap();
    assert!(
        text.starts_with("]]> <b>&amp; & ���� \"'") && text.ends_with("😀 \u{202e}"),
        "{text:?}"
    );
    assert!(!atom.contains('\u{1}') && !atom.contains("<b>"), "{atom:?}");
}

#[tokio::test]
async fn an_empty_stream_is_a_valid_feed() {
    let atom = App::new(streams()).get("/feed.atom").await.body;
    assert_eq!(texts(&atom, "updated"), ["1970-01-01T00:00:00.000000Z"]);
    assert_eq!(texts(&atom, "id").len(), 1);
}

#[tokio::test]
async fn json_feed_has_what_its_version_asks_for() {
    let (streams, items) = filled(3).await;
    let options = Options::new().with_public_url("https://example.com/").with_shown(|item| {
        Shown::text(&item.content).with_link(format!("/items?of={}", item.content.len()))
    });
    let app = App::with(streams, options);
    let feed = app.get("/feed.json?limit=2").await;
    assert_eq!(feed.header("content-type"), "application/feed+json; charset=utf-8");
    let feed = feed.json();
    assert_eq!(feed["version"], "https://jsonfeed.org/version/1.1");
    assert_eq!(feed["title"], "Notifications");
    assert_eq!(feed["feed_url"], format!("https://example.com{BASE}/feed.json"));
    let next = format!("https://example.com{BASE}/feed.json?limit=2&after={}", items[1].cursor());
    assert_eq!(feed["next_url"], next);
    let newest = &feed["items"][0];
    assert_eq!(newest["content_text"], "item 2");
    assert_eq!(newest["url"], "https://example.com/items?of=6");
    assert!(newest["id"].as_str().unwrap().starts_with("urn:uuid:"), "{newest}");
    assert!(newest["date_published"].as_str().unwrap().ends_with('Z'), "{newest}");
}

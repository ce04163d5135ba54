//! The page and its parts.

use axum::{Router, body::Body, http::Request};
use chrono::TimeZone;
use user_streams_axum::{Options, Shown, router};
use user_streams_core::NewItem;

use crate::app::{App, BASE, ME, filled, streams};

#[tokio::test]
async fn numbered_pages_have_real_links_below_the_path_it_is_nested_under() {
    let (streams, _) = filled(5).await;
    let app = App::with(streams, Options::new().with_page_size(2));
    let first = app.get("/").await;
    assert!(first.header("content-type").starts_with("text/html"), "{}", first.body);
    assert!(first.body.contains(&format!("href=\"{BASE}?page=2\"")), "{}", first.body);
    assert!(first.body.contains("item 4") && !first.body.contains("item 2"), "{}", first.body);
    assert!(first.body.contains("aria-posinset=\"1\" aria-setsize=\"5\""), "{}", first.body);
    let last = app.get("/?page=3").await.body;
    assert!(last.contains("item 0") && last.contains(&format!("href=\"{BASE}?page=2\"")), "{last}");
    assert!(last.contains("aria-current=\"page\">3<"), "{last}");
    // As Django's `get_page` has it.
    assert_eq!(app.get("/?page=99").await.body, last);
    assert_eq!(app.get("/?page=x").await.body, first.body);
}

#[tokio::test]
async fn a_long_stream_is_counted_in_part_and_paged_to_its_end() {
    let (streams, _) = filled(1_003).await;
    let app = App::with(streams, Options::new().with_page_size(10));
    let first = app.get("/").await.body;
    assert!(first.contains("aria-posinset=\"1\" aria-setsize=\"-1\""), "{first}");
    let bar = |page: &str| page[page.find("<nav class=\"us-pages\"").unwrap()..].to_owned();
    assert!(bar(&first).contains(">100</a><span class=\"us-gap\">…</span>"), "{first}");
    let beyond = app.get("/?page=101").await.body;
    assert!(beyond.contains("item 2<") && beyond.contains("aria-posinset=\"1001\""), "{beyond}");
    assert!(bar(&beyond).contains(">101</span></nav>"), "{beyond}");
}

#[tokio::test]
async fn nothing_in_it_runs_but_the_own_script() {
    let app = App::new(filled(1).await.0);
    let page = app.get("/").await;
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{policy}");
    for inline in [" style=", " onclick=", "<style", "javascript:"] {
        assert!(!page.body.contains(inline), "{inline}: {}", page.body);
    }
    assert_eq!(page.body.matches("<script").count(), 1);
    assert_eq!(page.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn the_assets_are_for_everyone_and_kept_for_ever_under_a_url_of_their_version() {
    let app = App::new(streams());
    let page = app.get("/").await.body;
    for (name, kind) in [("feed.css", "text/css"), ("feed.js", "text/javascript")] {
        let start = page.find(&format!("{BASE}/assets/{name}?v=")).unwrap();
        let url = page[start..].split('"').next().unwrap();
        let answer = app.send(Request::get(url).body(Body::empty()).unwrap()).await;
        assert!(answer.header("content-type").starts_with(kind), "{name}");
        assert!(answer.header("cache-control").contains("immutable"), "{name}");
    }
}

#[tokio::test]
async fn the_bell_says_how_much_is_unseen() {
    let (streams, items) = filled(3).await;
    let app = App::with(streams.clone(), Options::new().with_count_limit(3));
    let bell = app.get("/bell").await.body;
    assert!(
        bell.contains("aria-label=\"Notifications, 2+ new\"") && bell.contains(">2+<"),
        "{bell}"
    );
    streams.get_stream_items(ME).mark_seen().up_to(items[0].cursor()).await.unwrap();
    let bell = app.get("/bell").await.body;
    assert!(bell.contains("aria-label=\"Notifications\"") && bell.contains("hidden>0<"), "{bell}");
    assert!(bell.contains(&format!("href=\"{BASE}\"")), "{bell}");
}

#[tokio::test]
async fn unread_items_are_told_apart_and_can_be_read_by_forms() {
    let (streams, items) = filled(2).await;
    streams.get_stream_items(ME).mark_read().up_to(items[1].cursor()).await.unwrap();
    let page = App::new(streams).get("/").await.body;
    assert_eq!(page.matches("us-item us-unread").count(), 1);
    let action = |n: usize, what: &str| {
        format!("<form method=\"post\" action=\"{BASE}/items/{}/{what}\"", items[n].cursor())
    };
    assert!(page.contains(&action(0, "read")) && page.contains(&action(1, "unread")), "{page}");
    assert!(page.contains(&action(0, "dismiss")), "{page}");
    assert!(page.contains("1 unread"), "{page}");
}

#[tokio::test]
async fn a_list_says_where_to_go_on() {
    let (streams, items) = filled(3).await;
    let app = App::with(streams, Options::new().with_page_size(2));
    let list = app.get("/list").await.body;
    let next = format!("data-us-next=\"{}\"", items[1].cursor());
    assert!(list.contains(&next), "{list}");
    assert!(list.contains(&format!("data-us-after=\"{}\"", items[0].cursor())), "{list}");
    let list = app.get(&format!("/list?after={}", items[1].cursor())).await.body;
    assert!(!list.contains("data-us-next") && !list.contains("data-us-after"), "{list}");
    assert_eq!(list.matches("<article").count(), 1);
}

#[tokio::test]
async fn an_item_leads_where_the_application_says() {
    let streams = streams();
    streams.add_stream_item(ME, "/orders/7 Sent").await.unwrap();
    streams.add_stream_item(ME, "javascript:alert(1) Evil").await.unwrap();
    let options = Options::new().with_shown(|item| {
        let (link, text) = item.content.split_once(' ').unwrap();
        Shown::text(text).with_link(link)
    });
    let page = App::with(streams, options).get("/").await.body;
    assert!(
        page.contains("<a class=\"us-link\" href=\"/orders/7\" rel=\"noopener\">Sent</a>"),
        "{page}"
    );
    assert!(!page.contains("javascript:") && page.contains("Evil"), "{page}");
}

#[tokio::test]
async fn times_are_exact_without_a_script() {
    let streams = streams();
    let at = chrono::Utc.with_ymd_and_hms(2026, 3, 1, 12, 5, 0).unwrap();
    streams.add_stream_item(ME, NewItem::new("Spring").with_created_at(&at)).await.unwrap();
    let page = App::new(streams).get("/").await.body;
    let time =
        "dir=\"auto\" datetime=\"2026-03-01T12:05:00.000000Z\" title=\"1 March 2026, 12:05 UTC\"";
    assert!(page.contains(time), "{page}");
}

#[tokio::test]
async fn an_empty_stream_says_so() {
    let page = App::new(streams()).get("/").await.body;
    assert!(page.contains("You are all caught up"), "{page}");
    assert!(page.contains("All read"), "{page}");
}

#[tokio::test]
async fn a_path_that_a_proxy_has_changed_is_told_by_the_application() {
    let who = async |_| Ok::<_, ()>(ME);
    let options = Options::new().with_base_path("/outside/feed/");
    let app = App(Router::new().nest("/feed", router(filled(1).await.0, who, options)));
    let answer = app.send(Request::get("/feed").body(Body::empty()).unwrap()).await;
    assert!(answer.body.contains("\"/outside/feed/assets/feed.css?v="), "{}", answer.body);
    assert!(!answer.body.contains("\"/feed"), "{}", answer.body);
}

#[tokio::test]
async fn it_is_served_at_the_root_as_well() {
    let who = async |_| Ok::<_, ()>(ME);
    let app = App(router(filled(1).await.0, who, Options::new()));
    let answer = app.send(Request::get("/").body(Body::empty()).unwrap()).await;
    assert!(answer.body.contains("\"/assets/feed.css?v="), "{}", answer.body);
    assert!(answer.body.contains("action=\"/read\""), "{}", answer.body);
}

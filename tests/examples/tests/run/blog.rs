//! Posts and the news of them.

use crate::program::Server;

const ANN: &str = "Cookie: user=Ann";
const BOB: &str = "Cookie: theme=dark; user=Bob";
const NOBODY: &str = "Accept: */*";

fn start() -> Server {
    Server::start(env!("CARGO_BIN_EXE_blog"))
}

#[test]
fn followers_are_told_of_a_post_in_the_feed_and_by_the_bell() {
    let blog = start();
    let published = blog.post("/posts", ANN, "title=On+%3Cb%3E");
    assert_eq!(published.status, 303, "{published:?}");
    assert!(published.head.contains("location: /posts/1"), "{published:?}");
    assert!(blog.get("/posts/1", NOBODY).body.contains("<h1>On &lt;b&gt;</h1><p>by Ann</p>"));

    let feed = blog.get("/feed", BOB).body;
    assert!(feed.contains("Ann has written “On &lt;b&gt;”"), "{feed}");
    assert!(feed.contains(r#"href="/posts/1""#), "{feed}");
    let bell = blog.get("/feed/bell", BOB).body;
    assert!(bell.contains(", 1 new"), "{bell}");
    assert!(blog.get("/", BOB).body.contains(r#"<div data-us-part="/feed/bell">"#));

    // Ann does not follow herself.
    assert!(!blog.get("/feed", ANN).body.contains("Ann has written"));
    let refused = blog.get("/feed", NOBODY);
    assert!(refused.status == 303 && refused.head.contains("location: /\r\n"), "{refused:?}");
}

#[test]
fn a_post_whose_news_cannot_be_stored_is_not_stored_either() {
    let blog = start();
    // The blog's table takes a NUL, and a feed does not.
    let failed = blog.post("/posts", ANN, "title=half%00done");
    assert_eq!(failed.status, 500, "{failed:?}");
    assert!(!failed.body.contains("NUL"), "{failed:?}");
    let home = blog.get("/", ANN).body;
    assert!(home.contains("Publish as Ann") && !home.contains("half"), "{home}");
    assert_eq!(blog.post("/posts", ANN, "title=whole").status, 303);
    assert!(blog.get("/", ANN).body.contains("whole"));
}

//! A blog on axum and sea-orm. A post and the news of it are stored together or not at all; each
//! reader's news are under `/feed`, and their bell is on the blog's own pages.
//!
//! `cargo run -p user-streams-examples --bin blog`, then open the address that it prints. Be Bob in
//! one window and Ann in a private one: what Ann publishes rings Bob's bell.

mod pages;
mod tables;
mod user;

use std::{env, error::Error};

use axum::{
    Form, Router,
    extract::{Path, State},
    response::Redirect,
    routing::{get, post},
};
use maud::Markup;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Database, DatabaseConnection, EntityTrait,
    QueryFilter, QueryOrder, TransactionTrait,
};
use tokio::net::TcpListener;
use user_streams::{Settings, Streams, Users};
use user_streams_axum::{Options, Shown, by_extractor, router};

use crate::{
    pages::Failure,
    tables::{follow, post as posts},
    user::CurrentUser,
};

#[derive(Clone)]
struct Blog {
    db: DatabaseConnection,
    streams: Streams,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let file = arguments.next().unwrap_or_else(|| "blog.db".to_owned());

    // The feeds are in the same database as the posts, so that one transaction spans both.
    let url = format!("sqlite://{file}?mode=rwc");
    let db = Database::connect(&url).await?;
    tables::create(&db).await?;
    let streams = Streams::connect(Settings::new(format!("single-table+{url}"))).await?;
    streams.migrate().await?;
    let blog = Blog { db, streams };

    // News are "/path text": they lead to what they tell of.
    let options = Options::new().with_shutdown(stopped()).with_shown(|item| {
        let (path, text) = item.content.split_once(' ').unwrap_or_default();
        Shown::text(text).with_link(path)
    });
    // The blog's own extractor says whose feed it is.
    let feed = router(blog.streams.clone(), by_extractor::<CurrentUser, _>(()), options);
    let app = Router::new()
        .route("/", get(home))
        .route("/posts", post(publish))
        .route("/posts/{id}", get(show))
        .route("/be/{user}", get(user::log_in))
        .nest("/feed", feed)
        .with_state(blog);

    let listener = TcpListener::bind(address).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app).with_graceful_shutdown(stopped()).await?;
    Ok(())
}

#[derive(serde::Deserialize)]
struct Draft {
    title: String,
}

/// Stores a post and tells the author's followers: both, or neither.
async fn publish(
    State(blog): State<Blog>,
    me: CurrentUser,
    Form(draft): Form<Draft>,
) -> Result<Redirect, Failure> {
    // What ends this function early, by `?` or since the browser has gone, rolls back.
    let txn = blog.db.begin().await?;
    let title = draft.title.trim().to_owned();
    let post = posts::ActiveModel { author: Set(me.id()), title: Set(title), ..Default::default() };
    let post = post.insert(&txn).await?;

    // A query: of a million followers none is loaded.
    let followers = follow::Entity::find().filter(follow::Column::Author.eq(me.id()));
    let followers = Users::by(followers, follow::Column::Follower);
    let news = format!("/posts/{} {} has written “{}”", post.id, me.name(), post.title);
    blog.streams.in_transaction(&txn)?.add_stream_item(followers, news).await?;

    txn.commit().await?;
    Ok(Redirect::to(&format!("/posts/{}", post.id)))
}

async fn home(State(blog): State<Blog>, me: Option<CurrentUser>) -> Result<Markup, Failure> {
    let posts = posts::Entity::find().order_by_desc(posts::Column::Id).all(&blog.db).await?;
    Ok(pages::home(me.as_ref(), &posts))
}

async fn show(
    State(blog): State<Blog>,
    me: Option<CurrentUser>,
    Path(id): Path<i64>,
) -> Result<Markup, Failure> {
    let post = posts::Entity::find_by_id(id).one(&blog.db).await?;
    Ok(pages::post(me.as_ref(), post.as_ref()))
}

/// Ends on Ctrl-C, and with it the server and every stream of events.
async fn stopped() {
    tokio::signal::ctrl_c().await.ok();
}

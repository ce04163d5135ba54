//! The blog's pages. The bell takes a style sheet, a script and a `div`.

use std::error::Error;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};

use crate::{
    tables::post,
    user::{CurrentUser, PEOPLE},
};

pub(crate) fn home(me: Option<&CurrentUser>, posts: &[post::Model]) -> Markup {
    let content = html! {
        @if let Some(me) = me {
            form method="post" action="/posts" {
                input name="title" placeholder="A title" aria-label="Title" required;
                button { "Publish as " (me.name()) }
            }
        }
        ul { @for post in posts { li { a href={ "/posts/" (post.id) } { (post.title) } } } }
        p { "Be " @for name in PEOPLE { a href={ "/be/" (name) } { (name) } " " } }
    };
    page("Blog", me, &content)
}

pub(crate) fn post(me: Option<&CurrentUser>, post: Option<&post::Model>) -> Markup {
    let Some(post) = post else { return page("No such post", me, &html! {}) };
    let author = usize::try_from(post.author - 1).ok().and_then(|author| PEOPLE.get(author));
    page(&post.title, me, &html! { p { "by " (author.unwrap_or(&"somebody")) } })
}

fn page(title: &str, me: Option<&CurrentUser>, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { (title) }
                style { "body { max-width: 40rem; margin: 2rem auto; font-family: system-ui }" }
                link rel="stylesheet" href="/feed/assets/feed.css";
                script type="module" src="/feed/assets/feed.js" {}
            }
            body {
                @if me.is_some() { div data-us-part="/feed/bell" {} }
                h1 { (title) }
                (content)
                p { a href="/" { "Home" } }
            }
        }
    }
}

/// Any error. What it was is for the log, and not for the reader.
pub(crate) struct Failure(Box<dyn Error + Send + Sync>);

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        eprintln!("{}", self.0);
        let page = page("Something went wrong", None, &html! {});
        (StatusCode::INTERNAL_SERVER_ERROR, page).into_response()
    }
}

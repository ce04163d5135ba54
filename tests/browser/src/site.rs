//! An application to look at.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use axum::{
    Router,
    extract::{OriginalUri, Path},
    http::request::Parts,
    response::{Html, Redirect},
    routing::get,
};
use tokio::{net::TcpListener, task::JoinHandle};
use user_streams_axum::{Options, router};
use user_streams_core::{MemoryBackend, Streams};

/// A server whose path says who is asking: `/42/feed`. It ends when it is dropped.
pub struct Site {
    /// What is shown there.
    pub streams: Streams,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Site {
    /// With every setting that the page makes use of.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn start(options: Options) -> Result<Self> {
        let streams = Streams::from_backend(MemoryBackend::default());
        let streams = streams.with_audiences(true)?.with_dismissals(true)?.with_item_marks(true)?;
        let app: Router = Router::new()
            .route("/log-in", get(async || Html("<form>Log in</form>")))
            .route("/{user}/own", get(own_page))
            .nest("/{user}/feed", router(streams.clone(), who, options));
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port is free")?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(async move {
            // It has no end; if it cannot serve, the browser says so.
            drop(axum::serve(listener, app).await);
        });
        Ok(Self { streams, address, server })
    }

    /// The page of a user.
    pub fn page_of(&self, user: i64) -> String {
        format!("http://{}/{user}/feed", self.address)
    }

    /// A page of the application's, with the bell of whoever this is.
    pub fn own_page_of(&self, user: &str) -> String {
        format!("http://{}/{user}/own", self.address)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn own_page(Path(user): Path<String>) -> Html<String> {
    Html(format!(
        "<!DOCTYPE html><title>Own</title><script type=module \
         src=/{user}/feed/assets/feed.js></script><div data-us-part=/{user}/feed/bell></div>"
    ))
}

/// Who is nobody is led to where one logs in.
async fn who(parts: Parts) -> Result<i64, Redirect> {
    let path = parts.extensions.get::<OriginalUri>().map(|uri| uri.path().to_owned());
    let user = path.and_then(|path| path.split('/').nth(1)?.parse().ok());
    user.ok_or_else(|| Redirect::to("/log-in"))
}

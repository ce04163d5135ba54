//! `serve`: the page of one user.

mod demo;

use std::net::IpAddr;

use axum::{
    Router,
    http::{StatusCode, header::HOST, request::Parts},
    response::Redirect,
    routing::get,
};
use tokio::net::TcpListener;
use user_streams_axum::{Viewer, router};

use crate::{
    failure::Failure, feed::feed, flags::Serve, output::Output, session::Session, user_ids,
};

pub(super) async fn run(flags: &Serve, session: &Session) -> Result<(), Failure> {
    session.until_interrupted();
    if !flags.listen.ip().is_loopback() {
        return Err(Failure::usage(format!(
            "{} is reached from elsewhere, and who asks is not asked who they are: listen on \
             127.0.0.1, or nest user-streams-axum in an application that knows its users",
            flags.listen
        )));
    }
    let listener = TcpListener::bind(flags.listen).await.map_err(|error| {
        let advice = "give another address by `--listen`, such as `--listen 127.0.0.1:0`";
        Failure::failed(format!("cannot listen on {}: {error}", flags.listen)).advise(advice)
    })?;
    let address = listener.local_addr().unwrap_or(flags.listen);
    let demo = if flags.demo { Some(demo::start(session).await?) } else { None };
    let (streams, user) = match (&demo, &flags.user) {
        (Some(demo), _) => (demo.streams.clone(), demo::USER.into()),
        (None, Some(user)) => {
            let streams = feed(&session.connect().await?, flags.feed.as_deref())?;
            let user = user_ids::parse_one(&streams, user)?;
            (streams, user)
        }
        (None, None) => return Err(Failure::usage("whose page? give the user's id, or `--demo`")),
    };
    let mut viewer = Viewer::from(user);
    if !flags.audience.is_empty() {
        viewer = viewer.with_audiences(&flags.audience);
    }
    let who = move |parts: Parts| {
        let viewer = if is_of_this_machine(&parts) {
            Ok(viewer.clone())
        } else {
            Err(StatusCode::FORBIDDEN)
        };
        async { viewer }
    };
    let page = router(streams, who, demo::options(flags.demo));
    let app = Router::new().route("/", get(async || Redirect::to("/feed"))).nest("/feed", page);
    let mut output = Output::stdout();
    output.line(format_args!("http://{address}/feed"))?;
    output.flush()?;
    let served = axum::serve(listener, app).await;
    served.map_err(|error| Failure::failed(format!("cannot serve: {error}")))
}

/// Whether the browser asks for an address of this machine, and not for a name of somebody's that
/// was made to lead here.
fn is_of_this_machine(parts: &Parts) -> bool {
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let name = host.map(|host| host.rsplit_once(':').map_or(host, |(name, _)| name));
    name.is_some_and(|name| {
        let name = name.trim_start_matches('[').trim_end_matches(']');
        name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    })
}

//! The web server, as an application would write it.

use std::{fs, io, time::Duration};

use anyhow::{Context, Result};
use axum::{
    Router,
    extract::Path,
    http::{StatusCode, request::Parts},
    routing::post,
};
use tokio::{net::TcpListener, sync::oneshot, task::spawn_blocking};
use user_streams_axum::{Options, router};
use user_streams_core::Streams;

use super::client::USER;
use crate::{
    child::{self, Running, Task, resident_of},
    store::Store,
    workload::adding,
};

/// A server that runs, until it is dropped.
pub(super) struct Server {
    running: Running,
    process: String,
}

/// What the server's process takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    /// Resident memory, in MiB.
    pub(super) memory: f64,
    pub(super) descriptors: usize,
}

impl Server {
    pub(super) async fn start(store: &Store, audiences: bool, fresh_for: u64) -> Result<Self> {
        let task = Task::Serve { store: store.clone(), audiences, fresh_for };
        let running = child::start(&task).await?;
        let process = running.child.id().context("the server has ended")?.to_string();
        Ok(Self { running, process })
    }

    /// The host and the port.
    pub(super) fn address(&self) -> &str {
        &self.running.line
    }

    pub(super) fn usage(&self) -> Result<Usage> {
        let memory = resident_of(&self.process, "VmRSS")? as f64 / 1_024.0;
        let descriptors = fs::read_dir(format!("/proc/{}/fd", self.process))?.count();
        Ok(Usage { memory, descriptors })
    }

    /// Ends when all streams of events have ended, and says whether that was in order.
    pub(super) async fn stop(mut self) -> Result<bool> {
        drop(self.running.child.stdin.take());
        Ok(self.running.child.wait().await?.success())
    }
}

/// Serves until the input ends.
pub(crate) async fn child(store: &Store, audiences: bool, fresh_for: u64) -> Result<()> {
    let streams = store.live_streams(true).await?.with_audiences(audiences)?;
    streams.migrate().await?;
    let (stop, stopped) = oneshot::channel::<()>();
    let options = Options::new()
        .with_fresh_for(Duration::from_secs(fresh_for))
        .with_shutdown(async move { drop(stopped.await) });
    let adder = streams.clone();
    let app = Router::new()
        .route("/adds/{users}/{seconds}", post(move |load| add(adder, load)))
        .nest("/feed", router(streams.clone(), who, options));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let ended = async move {
        spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink()).ok()).await.ok();
        drop(stop);
    };
    axum::serve(listener, app).with_graceful_shutdown(ended).await?;
    streams.close().await?;
    Ok(())
}

async fn who(parts: Parts) -> Result<i64, StatusCode> {
    let user = parts.headers.get(USER).and_then(|user| user.to_str().ok()?.parse().ok());
    user.ok_or(StatusCode::UNAUTHORIZED)
}

/// The load of an application that adds while it serves.
async fn add(adder: Streams, Path((users, seconds)): Path<(usize, u64)>) -> StatusCode {
    match adding::add_for(&adder, users, Duration::from_secs(seconds)).await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(error) => {
            eprintln!("{error:#}");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

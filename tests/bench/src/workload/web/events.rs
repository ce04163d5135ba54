//! Many open streams of events, and how late they tell what is added.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use http_body_util::BodyExt;
use hyper::{Method, StatusCode, body::Incoming};
use serde::Deserialize;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use user_streams_test_servers::harness::Engine;

use super::{
    client::Client,
    server::{Server, Usage},
};
use crate::{
    bench::Bench,
    measure::Series,
    report::{Row, thousands},
    store::Store,
    workload::adding::{self, ADDS_A_SECOND, Delays},
};

pub(super) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    let number = bench.pick(200, 2_000);
    let seconds = bench.pick(5, 60);
    let store = bench.create_store("web").await?;
    let server = Server::start(&store, true, 0).await?;
    // What is made at the first use does not count.
    drop(open(&server, 1, &Arc::default()).await?);
    sleep(Duration::from_secs(1)).await;
    let before = server.usage()?;
    bench.status(&format!("W15: opening {} streams of events", thousands(number as i64)));
    let delays = Arc::new(Delays::default());
    let mut running = open_all(&server, number, &delays).await?;
    let opened = server.usage()?;
    bench.status("W15: adding");
    let mut loaded = Vec::new();
    for _ in 0..2 {
        add(&store, &server, number, seconds).await?;
        sleep(Duration::from_secs(2)).await;
        loaded.push(server.usage()?);
    }
    running.shutdown().await;
    let delays = delays.take();
    let expected = 2 * usize::try_from(seconds)? * (usize::try_from(ADDS_A_SECOND)? + number);
    ensure!(delays.len() >= expected, "{} items came, of {expected}", delays.len());
    let closed = all_closed(&server, before).await?;
    // These begin with full pages, so that the first time is not like the others.
    let mut again = Vec::new();
    for _ in 0..3 {
        bench.status("W15: opening as many once more");
        let mut running = open_all(&server, number, &Arc::default()).await?;
        again.push(server.usage()?);
        running.shutdown().await;
        all_closed(&server, before).await?;
    }
    ensure!(server.stop().await?, "the server did not end in order");
    bench.remove(&[store]).await?;

    let row = |case: &str, unit, figure| {
        let case = format!("{} streams of events, {case}", thousands(number as i64));
        let ours = Series { program: "ours".to_owned(), rounds: vec![figure] };
        Row::new(case, unit, vec![ours]).with_lower_is_better()
    };
    let mut rows = vec![
        row("p50 from the add", "ms", delays[delays.len() / 2]),
        row("p99 from the add", "ms", delays[delays.len() * 99 / 100]),
    ];
    for (when, usage) in [
        ("before".to_owned(), before),
        ("open".to_owned(), opened),
        (format!("after {seconds} s of adds"), loaded[0]),
        (format!("after {} s of adds", 2 * seconds), loaded[1]),
        ("all closed".to_owned(), closed),
        ("open a second time".to_owned(), again[0]),
        ("open a fourth time".to_owned(), again[2]),
    ] {
        rows.push(row(&format!("memory {when}"), "MiB", usage.memory));
        rows.push(row(&format!("descriptors {when}"), "", usage.descriptors as f64));
    }
    Ok(rows)
}

/// Adds from another process where that is told at once, and else from the server's own.
async fn add(store: &Store, server: &Server, users: usize, seconds: u64) -> Result<()> {
    if matches!(store.engine, Engine::Postgres | Engine::Redis) {
        let adder = store.live_streams(true).await?.with_audiences(true)?;
        adding::add_for(&adder, users, Duration::from_secs(seconds)).await?;
        return Ok(adder.close().await?);
    }
    let mut client = Client::connect(server.address(), 1).await?;
    let answer = client.send(Method::POST, &format!("/adds/{users}/{seconds}"), None).await?;
    ensure!(answer.status == StatusCode::NO_CONTENT, "the server cannot add");
    Ok(())
}

/// Opens a stream of events for each user from 1 on.
async fn open_all(server: &Server, number: usize, delays: &Arc<Delays>) -> Result<JoinSet<()>> {
    let opening = stream::iter(1..=number).map(|user| open(server, user, delays));
    let context = || format!("{number} streams need so many descriptors: `ulimit -n 8192`");
    let opened: Vec<_> = opening.buffer_unordered(32).try_collect().await.with_context(context)?;
    let mut running = JoinSet::new();
    for events in opened {
        running.spawn(events.read());
    }
    Ok(running)
}

/// As the page does: reads the first items, and goes on from there.
async fn open(server: &Server, user: usize, delays: &Arc<Delays>) -> Result<Events> {
    #[derive(Deserialize)]
    struct Page {
        live_after: String,
    }
    let mut client = Client::connect(server.address(), user).await?;
    let page = client.send(Method::GET, "/feed/items", None).await?;
    let page: Page = serde_json::from_slice(&page.body)?;
    let body = client.open(&format!("/feed/events?after={}", page.live_after)).await?;
    let mut events = Events { body, text: String::new(), delays: Arc::clone(delays) };
    // The first event, `hello`.
    events.frame().await.context("a stream of events has ended at once")?;
    Ok(events)
}

/// A stream of events that is open.
struct Events {
    body: Incoming,
    /// What has come of events that are not complete.
    text: String,
    delays: Arc<Delays>,
}

impl Events {
    async fn read(mut self) {
        while self.frame().await.is_some() {}
    }

    /// Reads what comes next, and notes the items in it.
    async fn frame(&mut self) -> Option<()> {
        #[derive(Deserialize)]
        struct Item {
            content: String,
        }
        let frame = self.body.frame().await?.ok()?;
        self.text.push_str(str::from_utf8(frame.data_ref()?).ok()?);
        while let Some((event, rest)) = self.text.split_once("\n\n") {
            let data = event.lines().find_map(|line| line.strip_prefix("data: "));
            let item = data.filter(|_| event.starts_with("event: item"));
            if let Some(item) = item.and_then(|item| serde_json::from_str::<Item>(item).ok()) {
                self.delays.note(&item.content);
            }
            self.text = rest.to_owned();
        }
        Some(())
    }
}

/// What the server takes when it has noticed that all are closed.
async fn all_closed(server: &Server, before: Usage) -> Result<Usage> {
    let started = Instant::now();
    loop {
        sleep(Duration::from_millis(500)).await;
        let usage = server.usage()?;
        if usage.descriptors <= before.descriptors + 8 || started.elapsed().as_secs() > 30 {
            return Ok(usage);
        }
    }
}

//! The first page of a user with 10,000 items, whole, and as 304 for one who has it already.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, anyhow, ensure};
use hyper::{Method, StatusCode};
use tokio::sync::Mutex;

use super::{client::Client, server::Server};
use crate::{
    bench::Bench,
    fill::{self, READER},
    measure::{self, Series},
    report::Row,
};

/// So many ask at once, each on a connection of its own.
const CLIENTS: usize = 8;

const PAGE: &str = "/feed";

/// The answers, and what they are called.
const ANSWERS: [(&str, &str); 3] =
    [(PAGE, "page"), ("/feed/items", "first items as JSON"), ("/feed/counts", "counts")];

pub(super) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    let store = bench.create_store("web_pages").await?;
    bench.status("W15: filling");
    fill::feed(&store, 10_000, bench.pick(20, 100)).await?;
    let mut rows = Vec::new();
    for (fresh_for, case, target) in [(0, "as 304", None), (1, "as 304, fresh for 1 s", Some(5.0))]
    {
        let server = Server::start(&store, false, fresh_for).await?;
        for (path, name) in ANSWERS {
            bench.status(&format!("W15: {name} {case}"));
            let row = compare(bench, &server, path, format!("{name} {case}")).await?;
            rows.push(row.with_targets(&[target.filter(|_| path == PAGE)]));
        }
        ensure!(server.stop().await?, "the server did not end in order");
    }
    bench.remove(&[store]).await?;
    Ok(rows)
}

async fn compare(bench: &Bench, server: &Server, path: &'static str, case: String) -> Result<Row> {
    let duration = Duration::from_millis(bench.pick(400, 1_000));
    let reader = usize::try_from(READER)?;
    let mut first = Client::connect(server.address(), reader).await?;
    let tag: Arc<str> = first.send(Method::GET, path, None).await?.tag()?.into();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(Arc::new(Mutex::new(Client::connect(server.address(), reader).await?)));
    }
    let clients = Arc::new(clients);
    let cases = [("ours".to_owned(), Some(tag)), ("whole".to_owned(), None)];
    let series = measure::alternate_cases(&bench.bar, &cases, Bench::ROUNDS, |tag| {
        let clients = Arc::clone(&clients);
        measure::rate(CLIENTS, duration, move || {
            let (clients, tag) = (Arc::clone(&clients), tag.clone());
            async move {
                // There are as many as there are tasks, so one is free.
                let mut free = clients.iter().filter_map(|client| client.try_lock().ok());
                let mut client = free.next().ok_or_else(|| anyhow!("no client is free"))?;
                drop(free);
                let answer = client.send(Method::GET, path, tag.as_deref()).await?;
                let (status, is_empty) = match tag {
                    Some(_) => (StatusCode::NOT_MODIFIED, true),
                    None => (StatusCode::OK, false),
                };
                ensure!(answer.status == status, "{path}: {}", answer.status);
                ensure!(answer.body.is_empty() == is_empty, "{} bytes", answer.body.len());
                Ok(())
            }
        })
    });
    let series: Vec<Series> = series.await?;
    Ok(Row::of_cases(case, "answers/s", series))
}

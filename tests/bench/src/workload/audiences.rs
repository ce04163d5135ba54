//! W9: everyone is served by one write, and what that costs those who read.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use chrono::{DateTime, Utc};
use user_streams_core::{
    Audience, Cursor, NewItem, Paginator, StreamItems, Streams, audience, everyone,
};
use user_streams_test_servers::harness::Engine;

use crate::{
    bench::Bench,
    fill::{self, READER},
    measure,
    program::PAGE,
    report::Row,
    store::Store,
};

/// Of the reader.
const ITEMS: i64 = 10_000;
const TO_EVERYONE: i64 = 1_000;
const TEAMS: [&str; 3] = ["team:1", "team:2", "team:3"];
const TO_A_TEAM: i64 = 100;
const DEPTH: i64 = 9_000;

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    let store = bench.create_store("audiences").await?;
    bench.status("W9: filling");
    fill::feed(&store, ITEMS, bench.pick(10, 100)).await?;
    let plain = store.streams().await?;
    let merged = plain.clone().with_audiences(true)?;
    merged.migrate().await?;
    fill_audiences(&merged).await?;
    let feed = Store { table: format!("{}__us_audience", store.table), ..store.clone() };
    for store in [&store, &feed] {
        fill::run_maintenance(store).await?;
    }
    let mut rows = Vec::new();
    for readers in [1, 32] {
        rows.extend(reads(bench, &plain, &merged, readers).await?);
    }
    // Last, since what is added would be counted.
    rows.push(adds(bench, &merged).await?);
    plain.close().await?;
    bench.remove(&[store]).await?;
    Ok(rows)
}

async fn fill_audiences(streams: &Streams) -> Result<()> {
    add_spread(streams, &everyone(), TO_EVERYONE).await?;
    for team in TEAMS {
        add_spread(streams, &audience(team), TO_A_TEAM).await?;
    }
    Ok(())
}

/// Adds so many items that are spread over those of the reader.
async fn add_spread(streams: &Streams, audience: &Audience, items: i64) -> Result<()> {
    for n in 0..items {
        let (us, _) = fill::cursor(ITEMS, n * ITEMS / items);
        let item = NewItem::new(fill::content(100)).with_created_at(&instant(us + 500));
        streams.add_stream_item(audience.clone(), item).await?;
    }
    Ok(())
}

fn instant(us: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(us).unwrap_or_default()
}

/// An add to everyone beside one to a user.
async fn adds(bench: &Bench, streams: &Streams) -> Result<Row> {
    let duration = Duration::from_millis(bench.pick(400, 800));
    let content: Arc<str> = fill::content(100).into();
    let cases = [("ours".to_owned(), true), ("one user".to_owned(), false)];
    bench.status("W9: adds");
    let series = measure::alternate_cases(&bench.bar, &cases, Bench::ROUNDS, |to_everyone| {
        let (streams, content) = (streams.clone(), Arc::clone(&content));
        measure::rate(1, duration, move || {
            // Older than all that is read.
            let item = NewItem::new(&*content).with_created_at(&instant(1_600_000_000_000_000));
            let add = match to_everyone {
                true => streams.add_stream_item(everyone(), item),
                false => streams.add_stream_item(2, item),
            };
            async move {
                ensure!(add.await?.delivered == 1, "an add was not stored");
                Ok(())
            }
        })
    });
    let case = "an add to everyone compared with one to a user";
    Ok(Row::of_cases(case, "adds/s", series.await?).with_targets(&[Some(1.0 / 1.3)]))
}

#[derive(Clone, Copy)]
enum Page {
    First,
    Third,
    Counted,
    Deep,
}

async fn reads(
    bench: &Bench,
    plain: &Streams,
    merged: &Streams,
    readers: usize,
) -> Result<Vec<Row>> {
    let duration = Duration::from_millis(bench.pick(400, 700));
    let cases: [(String, StreamItems); 2] = [
        ("ours".to_owned(), merged.get_stream_items(READER).with_audiences(TEAMS)),
        ("without audiences".to_owned(), plain.get_stream_items(READER)),
    ];
    let target = match bench.cell.engine {
        Engine::Sqlite => 0.85,
        Engine::Postgres => 0.8,
        Engine::Mysql => 0.35,
        Engine::Redis | Engine::RedisCluster => 0.5,
    };
    let mut rows = Vec::new();
    for (page, name) in [
        (Page::First, "first page"),
        (Page::Third, "page 3"),
        (Page::Counted, "page 3 and the count"),
        (Page::Deep, "depth 9k by cursor"),
    ] {
        let plural = if readers == 1 { "" } else { "s" };
        let case = format!("{name} with 4 audiences compared with none, {readers} reader{plural}");
        bench.status(&format!("W9: {case}"));
        let series = measure::alternate_cases(&bench.bar, &cases, Bench::ROUNDS, |items| {
            measure::rate(readers, duration, move || read(items.clone(), page))
        });
        let row = Row::of_cases(case, "pages/s", series.await?);
        rows.push(row.with_targets(&[Some(target)]));
    }
    Ok(rows)
}

async fn read(items: StreamItems, page: Page) -> Result<()> {
    let length = match page {
        Page::First => items.slice(..PAGE).await?.len(),
        Page::Third => Paginator::new(items, PAGE).page(3).await?.len(),
        Page::Counted => {
            let paginator = Paginator::new(items, PAGE);
            ensure!(paginator.count().await? >= 10_000, "not all were counted");
            paginator.page(3).await?.len()
        }
        Page::Deep => {
            let (us, id) = fill::cursor(ITEMS, DEPTH - 1);
            let place = Cursor::new(instant(us), id.try_into()?);
            items.cursor_page(PAGE).after(place).await?.items.len()
        }
    };
    ensure!(length == PAGE, "a page of {length}");
    Ok(())
}

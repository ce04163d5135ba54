//! W6: bytes stored per delivery, every index included, after 100 messages of 1,000 bytes to 10,000
//! users.

use std::{fs, sync::Arc, time::Duration};

use anyhow::{Context, Result};

use super::textbook;
use crate::{
    cell::{Engine, Layout, Place},
    fill,
    measure::Lane,
    report::Row,
    run::Bench,
    side::{self, Reply, Resp, Side},
};

const USERS: i64 = 10_000;

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = vec![measure(bench, 1_000, None).await?];
    if (bench.cell.engine, bench.cell.layout) == (Engine::Postgres, Layout::SingleTable) {
        rows.push(measure(bench, 100, None).await?);
    }
    if bench.cell.engine == Engine::Redis {
        rows.push(measure(bench, 1_000, Some(1_000)).await?);
    }
    Ok(rows)
}

async fn measure(
    bench: &Bench,
    length: usize,
    shared_content_min_len: Option<usize>,
) -> Result<Row> {
    let messages = bench.pick(20, 100);
    let place = Place { shared_content_min_len, ..bench.place("bytes").await? };
    bench.say(&format!("W6: messages of {length} bytes"));
    let before = size(&place, &place.table).await?;
    let ours = side::ours(&place).await?;
    add(bench, &ours, messages, length).await?;
    drop(ours);
    let deliveries = (messages * USERS) as f64;
    let per_delivery = |before: i64, after: i64| (after - before) as f64 / deliveries;
    let lane = |side: &str, bytes| Lane { side: side.to_owned(), rounds: vec![bytes] };
    let mut lanes = vec![lane("ours", per_delivery(before, size(&place, &place.table).await?))];
    if (place.engine, place.layout) == (Engine::Postgres, Layout::SingleTable) {
        let textbook = textbook::connect(&place.url).await?;
        let before = size(&place, "bench_textbook").await?;
        add(bench, &textbook, messages, length).await?;
        lanes.push(lane(
            "textbook schema",
            per_delivery(before, size(&place, "bench_textbook").await?),
        ));
    }
    bench.remove(&[place]).await?;
    let shared = if shared_content_min_len.is_some() { ", contents shared" } else { "" };
    let case = format!("{messages} messages of {length} bytes to 10k{shared}");
    Ok(Row::new(case, "bytes/delivery", lanes).with_lower_is_better())
}

async fn add(bench: &Bench, side: &Arc<dyn Side>, messages: i64, length: usize) -> Result<()> {
    let (users, content): (Vec<_>, _) = ((1..=USERS).collect(), fill::content(length));
    bench.bar.set_length(messages.cast_unsigned());
    bench.bar.set_position(0);
    for _ in 0..messages {
        side.broadcast(&users, &content).await?;
        bench.bar.inc(1);
    }
    Ok(())
}

/// The bytes of a table and all that belongs to it.
async fn size(place: &Place, table: &str) -> Result<i64> {
    match place.engine {
        Engine::Sqlite => {
            fill::settle(place).await?;
            Ok(fs::metadata(place.file()).context("the database's file")?.len().cast_signed())
        }
        Engine::Postgres => {
            let sql = format!(
                "SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c \
                 WHERE c.relkind = 'r' AND c.relname IN ('{table}', '{table}_items')"
            );
            fill::numbers_of(place, sql).await
        }
        Engine::Mysql => {
            fill::settle(place).await?;
            // The tables' files, where the server tells of them: what information_schema has of the
            // rows is an estimate.
            let sql = format!(
                "SELECT CAST(sum(file_size) AS SIGNED) FROM \
                 information_schema.innodb_sys_tablespaces \
                 WHERE name LIKE '%/{table}' OR name LIKE '%/{table}\\_items'"
            );
            fill::numbers_of(place, sql).await
        }
        Engine::Redis => {
            let mut resp = Resp::connect(&place.address()?).await?;
            loop {
                let Reply::Bytes(text) = resp.ask(&[b"INFO", b"memory"]).await? else {
                    return Ok(0);
                };
                let text = String::from_utf8_lossy(&text);
                let number = |name: &str| {
                    text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
                };
                // What was removed before may still be on its way out.
                if number("lazyfree_pending_objects:").is_none_or(|objects| objects == "0") {
                    break Ok(number("used_memory:")
                        .context("the server tells no used_memory")?
                        .parse()?);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

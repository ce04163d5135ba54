//! W6: bytes stored per delivery, every index included, after 100 messages of 1,000 bytes to 10,000
//! users.

use std::{fs, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use user_streams_test_servers::harness::{
    Engine, Layout,
    resp::{Client, Reply},
};

use crate::{
    bench::Bench,
    fill,
    measure::Series,
    program::{self, Program},
    report::Row,
    sql,
    store::Store,
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
    let store = Store { shared_content_min_len, ..bench.create_store("bytes").await? };
    bench.status(&format!("W6: messages of {length} bytes"));
    let before = size(&store, &store.table).await?;
    let ours = program::ours(&store).await?;
    add(bench, &ours, messages, length).await?;
    drop(ours);
    let deliveries = (messages * USERS) as f64;
    let per_delivery = |before: i64, after: i64| (after - before) as f64 / deliveries;
    let one = |program: &str, bytes| Series { program: program.to_owned(), rounds: vec![bytes] };
    let mut series = vec![one("ours", per_delivery(before, size(&store, &store.table).await?))];
    if (store.engine, store.layout) == (Engine::Postgres, Layout::SingleTable) {
        let textbook = program::textbook(&store.url).await?;
        let before = size(&store, "bench_textbook").await?;
        add(bench, &textbook, messages, length).await?;
        series.push(one(
            "textbook schema",
            per_delivery(before, size(&store, "bench_textbook").await?),
        ));
    }
    bench.remove(&[store]).await?;
    let shared = if shared_content_min_len.is_some() { ", shared content" } else { "" };
    let case = format!("{messages} messages of {length} bytes to 10k{shared}");
    Ok(Row::new(case, "bytes/delivery", series).with_lower_is_better())
}

async fn add(
    bench: &Bench,
    program: &Arc<dyn Program>,
    messages: i64,
    length: usize,
) -> Result<()> {
    let (users, content): (Vec<_>, _) = ((1..=USERS).collect(), fill::content(length));
    bench.bar.set_length(messages.cast_unsigned());
    bench.bar.set_position(0);
    for _ in 0..messages {
        program.broadcast(&users, &content).await?;
        bench.bar.inc(1);
    }
    Ok(())
}

/// The bytes of a table, its items and its indexes.
async fn size(store: &Store, table: &str) -> Result<i64> {
    match store.engine {
        Engine::Sqlite => {
            fill::run_maintenance(store).await?;
            Ok(fs::metadata(store.file())
                .context("cannot read the size of the database file")?
                .len()
                .cast_signed())
        }
        Engine::Postgres => {
            let sql = format!(
                "SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c \
                 WHERE c.relkind = 'r' AND c.relname IN ('{table}', '{table}_items')"
            );
            sql::query_number(store, sql).await
        }
        Engine::Mysql => {
            fill::run_maintenance(store).await?;
            // The sizes of the files: those in `information_schema.tables` are estimates.
            let sql = format!(
                "SELECT CAST(sum(file_size) AS SIGNED) FROM \
                 information_schema.innodb_sys_tablespaces \
                 WHERE name LIKE '%/{table}' OR name LIKE '%/{table}\\_items'"
            );
            sql::query_number(store, sql).await
        }
        Engine::Redis | Engine::RedisCluster => {
            let mut client = Client::connect(&store.address()?).await?;
            loop {
                let Reply::Bytes(text) = client.call(&[b"INFO", b"memory"]).await? else {
                    return Ok(0);
                };
                let text = String::from_utf8_lossy(&text);
                let number = |name: &str| {
                    text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
                };
                // Keys that were unlinked before may not be freed yet.
                if number("lazyfree_pending_objects:").is_none_or(|objects| objects == "0") {
                    break Ok(number("used_memory:")
                        .context("INFO without used_memory")?
                        .parse()?);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

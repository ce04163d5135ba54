//! What is stored on a server, counted without the library.

use std::process::Command;

use libtest_mimic::Failed;
use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};
use user_streams_test_servers::{self as servers, Kind, cells::Cell};

/// How many items are in streams, and how many streams there are.
pub(crate) fn count(cell: Cell, server: &str, name: &str) -> Result<(u64, u64), Failed> {
    match cell.server {
        Some(Kind::Postgres) => sql(DbBackend::Postgres, server, name),
        Some(Kind::Mysql) => sql(DbBackend::MySql, server, name),
        Some(Kind::Redis | Kind::RedisCluster) => redis(server, name),
        None => Err("there is no server".into()),
    }
}

fn sql(backend: DbBackend, server: &str, table: &str) -> Result<(u64, u64), Failed> {
    // Of many-to-many it has the deliveries.
    let query = format!("SELECT COUNT(*), COUNT(DISTINCT user_id) FROM {table}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let database = Database::connect(server).await?;
        let row = database.query_one_raw(Statement::from_string(backend, query)).await?;
        let row = row.ok_or("no row")?;
        let number = |index| row.try_get_by_index::<i64>(index);
        let counts = (number(0)?.try_into()?, number(1)?.try_into()?);
        database.close().await?;
        Ok(counts)
    })
}

/// On every master of a cluster, or on the one server.
fn redis(server: &str, prefix: &str) -> Result<(u64, u64), Failed> {
    let url = server.replace("redis-cluster://", "redis://");
    let url = url.split('?').next().unwrap_or_default().to_owned();
    let nodes = ask(&url, &["CLUSTER", "NODES"]).unwrap_or_default();
    let masters: Vec<_> = nodes
        .lines()
        .filter(|line| line.contains("master"))
        .filter_map(|line| line.split([' ', '@']).nth(1))
        .map(|address| format!("redis://{address}"))
        .collect();
    let servers = if masters.is_empty() { vec![url] } else { masters };
    let script = "local items, keys = 0, redis.call('KEYS', ARGV[1]) for _, key in ipairs(keys) do \
                  items = items + redis.call('ZCARD', key) end return items .. ' ' .. #keys";
    let (mut items, mut streams) = (0, 0);
    for server in servers {
        let answer = ask(&server, &["EVAL", script, "0", &format!("{prefix}:stream:*")])?;
        let (of_items, of_streams) = answer.trim().split_once(' ').ok_or("no counts")?;
        items += of_items.parse::<u64>()?;
        streams += of_streams.parse::<u64>()?;
    }
    Ok((items, streams))
}

fn ask(url: &str, command: &[&str]) -> Result<String, Failed> {
    let mut client: Command = servers::redis_cli()?;
    let output = client.args(["-u", url]).args(command).output()?;
    let text = String::from_utf8(output.stdout)?;
    if !output.status.success() || text.starts_with("ERR") {
        return Err(format!("{url}: {text}").into());
    }
    Ok(text)
}

//! Creates, fills and removes stores, inside the server where possible: a million rows take
//! seconds.

use anyhow::Result;
use user_streams_test_servers::harness::{
    Engine, Layout, member,
    resp::{Client, encode},
};

use crate::{
    sql::{execute, query_number},
    store::Store,
};

/// The user who has every item.
pub(crate) const READER: i64 = 1;
const BASE_US: i64 = 1_700_000_000_000_000;

/// The timestamp and the id of the item at this depth in the reader's feed, 0 being the newest.
pub(crate) fn cursor(items: i64, depth: i64) -> (i64, i64) {
    let number = items - 1 - depth;
    (BASE_US + number * 1_000, number + 1)
}

/// Creates an empty store with its tables.
pub(crate) async fn create(store: &Store) -> Result<()> {
    drop(store).await?;
    let streams = store.streams().await?;
    streams.migrate().await?;
    streams.close().await?;
    if store.engine.is_redis() {
        return Ok(());
    }
    // The programs prepare a statement that reads it.
    execute(store, create_users(store)).await
}

fn create_users(store: &Store) -> String {
    let integer = if store.engine == Engine::Sqlite { "INTEGER" } else { "BIGINT" };
    format!("CREATE TABLE IF NOT EXISTS bench_users (id {integer} NOT NULL PRIMARY KEY)")
}

/// Removes a store. In Redis it removes the streams of the first million users, and the content
/// that they share.
pub(crate) async fn drop(store: &Store) -> Result<()> {
    if store.engine.is_redis() {
        return drop_redis(store).await;
    }
    for feed in ["", "__us_audience"] {
        for table in ["", "_items", "_identity", "_marks", "_migrations"] {
            execute(store, format!("DROP TABLE IF EXISTS {}{feed}{table}", store.table)).await?;
        }
    }
    Ok(())
}

async fn drop_redis(store: &Store) -> Result<()> {
    let script = "for user = ARGV[1], ARGV[2] do \
                  local stream = ARGV[3] .. string.format('%.0f', user) \
                  redis.call('UNLINK', stream, ARGV[4] .. '{' .. stream .. '}') end return 0";
    let mut client = Client::connect(&store.address()?).await?;
    let (stem, marks) = (format!("{}:stream:", store.table), format!("{}:mark:", store.table));
    for first in (0..1_000_000).step_by(20_000) {
        let (from, to) = (first.to_string(), (first + 20_000).to_string());
        client
            .call(&[
                b"EVAL",
                script.as_bytes(),
                b"0",
                from.as_bytes(),
                to.as_bytes(),
                stem.as_bytes(),
                marks.as_bytes(),
            ])
            .await?;
    }
    let script = "for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('UNLINK', key) \
                  end return 0";
    for keys in ["content:*", "feed:*"] {
        let keys = format!("{}:{keys}", store.table);
        client.call(&[b"EVAL", script.as_bytes(), b"0", keys.as_bytes()]).await?;
    }
    Ok(())
}

/// Adds items to the reader's feed, oldest first, and each of them to `width - 1` other feeds.
/// Another feed gets every hundredth item.
pub(crate) async fn feed(store: &Store, items: i64, width: i64) -> Result<()> {
    if store.engine.is_redis() {
        return feed_redis(store, items, width).await;
    }
    let rows = items * width;
    let numbers = number_series(store.engine, rows);
    let (table, others) = (&store.table, width - 1);
    // In MySQL `/` divides integers to a decimal.
    let div = if store.engine == Engine::Mysql { "DIV" } else { "/" };
    let at = format!("{BASE_US} + (n {div} {width}) * 1000");
    let id = format!("n {div} {width} + 1");
    let user = if others == 0 {
        READER.to_string()
    } else {
        format!(
            "CASE WHEN n % {width} = 0 THEN {READER} \
             ELSE 2 + ((n {div} {width}) * {others} + n % {width} - 1) % {} END",
            others * 100
        )
    };
    let content = format!("'{}'", content(100));
    if store.layout == Layout::ManyToMany {
        let insert_items = format!(
            "INSERT INTO {table}_items (id, created_at_us, content) SELECT {id}, {at}, {content} \
             FROM {numbers} WHERE n % {width} = 0"
        );
        execute(store, insert_items).await?;
        let insert = format!(
            "INSERT INTO {table} (user_id, created_at_us, id) SELECT {user}, {at}, {id} \
             FROM {numbers}"
        );
        execute(store, insert).await?;
    } else {
        let insert = format!(
            "INSERT INTO {table} (user_id, created_at_us, id, content) \
             SELECT {user}, {at}, {id}, {content} FROM {numbers}"
        );
        execute(store, insert).await?;
    }
    run_maintenance(store).await
}

async fn feed_redis(store: &Store, items: i64, width: i64) -> Result<()> {
    let script = r"
        local stem, content, width = ARGV[3], ARGV[4], tonumber(ARGV[5])
        local others = width - 1
        for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do
            local us = 1700000000000000 + i * 1000
            local score = string.format('%.0f', us)
            local high, low = math.floor(us / 4294967296) + 2147483648, us % 4294967296
            local member = struct.pack('>I4I4I4I4', high, low, 0, i + 1) .. content
            redis.call('ZADD', stem .. 1, score, member)
            for j = 0, others - 1 do
                local user = 2 + (i * others + j) % (others * 100)
                redis.call('ZADD', stem .. string.format('%.0f', user), score, member)
            end
        end
        return 0";
    let mut client = Client::connect(&store.address()?).await?;
    let (stem, content) = (format!("{}:stream:", store.table), content(100));
    let step = (20_000 / width).max(1);
    for first in (0..items).step_by(usize::try_from(step)?) {
        let numbers =
            [first, (first + step).min(items) - 1, width].map(|number| number.to_string());
        let [from, to, width] = numbers.each_ref().map(String::as_bytes);
        client
            .call(&[
                b"EVAL",
                script.as_bytes(),
                b"0",
                from,
                to,
                stem.as_bytes(),
                content.as_bytes(),
                width,
            ])
            .await?;
    }
    Ok(())
}

/// Sets the mark `read` of the users from 1 on, in a store without marks.
pub(crate) async fn marks(store: &Store, users: i64, (at, id): (i64, i64)) -> Result<()> {
    if store.engine.is_redis() {
        return marks_redis(store, users, (at, id)).await;
    }
    let (table, numbers) = (&store.table, number_series(store.engine, users));
    let insert = format!(
        "INSERT INTO {table}_marks (user_id, name, created_at_us, id) \
         SELECT n + 1, 'read', {at}, {id} FROM {numbers}"
    );
    execute(store, insert).await?;
    run_maintenance(store).await
}

async fn marks_redis(store: &Store, users: i64, (at, id): (i64, i64)) -> Result<()> {
    let place = member::encode(at, id, "");
    let mut client = Client::connect(&store.address()?).await?;
    for first in (1..=users).step_by(1_000) {
        let mut block = Vec::new();
        let last = users.min(first + 999);
        for user in first..=last {
            let key = store.marks_key(user);
            encode(&mut block, &[b"HSET", key.as_bytes(), b"read", &place]);
        }
        client.pipe(std::iter::once((block, usize::try_from(last - first + 1)?))).await?;
    }
    Ok(())
}

/// Runs the maintenance that the server would otherwise run during the measurement.
pub(crate) async fn run_maintenance(store: &Store) -> Result<()> {
    let items = (store.layout == Layout::ManyToMany).then(|| format!("{}_items", store.table));
    let marks = Some(format!("{}_marks", store.table));
    for table in [Some(store.table.clone()), items, marks].into_iter().flatten() {
        match store.engine {
            Engine::Postgres => execute(store, format!("VACUUM (ANALYZE) {table}")).await?,
            Engine::Mysql => _ = query_number(store, format!("ANALYZE TABLE {table}")).await,
            Engine::Sqlite => execute(store, "PRAGMA wal_checkpoint(TRUNCATE)".to_owned()).await?,
            Engine::Redis | Engine::RedisCluster => {}
        }
    }
    if store.engine == Engine::Postgres {
        execute(store, "CHECKPOINT".to_owned()).await?;
    }
    Ok(())
}

/// Fills the table `bench_users` with the ids from 1 on.
pub(crate) async fn users(store: &Store, count: i64) -> Result<()> {
    execute(store, create_users(store)).await?;
    execute(store, "DELETE FROM bench_users".to_owned()).await?;
    let numbers = number_series(store.engine, count);
    execute(store, format!("INSERT INTO bench_users (id) SELECT n + 1 FROM {numbers}")).await?;
    if store.engine == Engine::Postgres {
        execute(store, "VACUUM (ANALYZE) bench_users".to_owned()).await?;
    }
    Ok(())
}

/// A text of so many bytes.
pub(crate) fn content(length: usize) -> String {
    "All that is new, and from whom. ".chars().cycle().take(length).collect()
}

/// A derived table of the numbers below `count` in a column `n`, in order.
fn number_series(engine: Engine, count: i64) -> String {
    let last = count - 1;
    match engine {
        Engine::Postgres => format!("generate_series(0, {last}::bigint) AS g(n)"),
        Engine::Mysql => {
            // By default neither MySQL nor MariaDB lets a recursive query run that long.
            let units = (1..10).map(|unit| format!(" UNION ALL SELECT {unit}")).collect::<String>();
            let units = format!("(SELECT 0 AS d{units})");
            let digits = 0..=last.max(1).ilog10();
            let tables: Vec<_> =
                digits.clone().map(|digit| format!("{units} AS d{digit}")).collect();
            let terms: Vec<_> =
                digits.map(|digit| format!("d{digit}.d * {}", 10_i64.pow(digit))).collect();
            format!(
                "(SELECT n FROM (SELECT {} AS n FROM {}) AS all_numbers WHERE n < {count} \
                 ORDER BY n) AS g",
                terms.join(" + "),
                tables.join(" CROSS JOIN ")
            )
        }
        _ => format!(
            "(WITH RECURSIVE r(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM r WHERE n < {last}) \
             SELECT n FROM r) AS g"
        ),
    }
}

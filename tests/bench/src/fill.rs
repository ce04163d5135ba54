//! Making and filling places, by the server itself where it can: a million rows in seconds.

use anyhow::{Context, Result};
use sqlx::{ConnectOptions, Connection, Executor, Row};

use crate::{
    cell::{Engine, Layout, Place},
    side::Resp,
};

/// The user who has every item.
pub(crate) const READER: i64 = 1;
const BASE_US: i64 = 1_700_000_000_000_000;

/// The place of the item at this depth in the reader's feed, 0 being the newest.
pub(crate) fn cursor(items: i64, depth: i64) -> (i64, i64) {
    let number = items - 1 - depth;
    (BASE_US + number * 1_000, number + 1)
}

/// An empty place with its tables.
pub(crate) async fn create(place: &Place) -> Result<()> {
    drop(place).await?;
    let streams = place.streams().await?;
    streams.migrate().await?;
    streams.close().await?;
    if place.engine == Engine::Redis {
        return Ok(());
    }
    // The programs may prepare their statement on it.
    execute(place, create_users(place)).await
}

fn create_users(place: &Place) -> String {
    let integer = if place.engine == Engine::Sqlite { "INTEGER" } else { "BIGINT" };
    format!("CREATE TABLE IF NOT EXISTS bench_users (id {integer} NOT NULL PRIMARY KEY)")
}

/// Removes a place. In Redis it removes the streams of the first million users, and the contents
/// that they share.
pub(crate) async fn drop(place: &Place) -> Result<()> {
    if place.engine == Engine::Redis {
        let script =
            "for user = ARGV[1], ARGV[2] do redis.call('UNLINK', ARGV[3] .. user) end return 0";
        let mut resp = Resp::connect(&place.address()?).await?;
        let stem = format!("{}:user:", place.table);
        for first in (0..1_000_000).step_by(20_000) {
            let (from, to) = (first.to_string(), (first + 20_000).to_string());
            resp.ask(&[
                b"EVAL",
                script.as_bytes(),
                b"0",
                from.as_bytes(),
                to.as_bytes(),
                stem.as_bytes(),
            ])
            .await?;
        }
        let script = "for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('UNLINK', \
            key) end return 0";
        let items = format!("{}:item:*", place.table);
        resp.ask(&[b"EVAL", script.as_bytes(), b"0", items.as_bytes()]).await?;
        return Ok(());
    }
    for table in ["", "_items", "_identity", "_migrations"] {
        execute(place, format!("DROP TABLE IF EXISTS {}{table}", place.table)).await?;
    }
    Ok(())
}

/// This many items in the reader's feed, oldest first, each of them in `width - 1` other feeds too,
/// which get every hundredth item.
pub(crate) async fn feed(place: &Place, items: i64, width: i64) -> Result<()> {
    if place.engine == Engine::Redis {
        return feed_redis(place, items, width).await;
    }
    let rows = items * width;
    let numbers = numbers(place.engine, rows);
    let (table, others) = (&place.table, width - 1);
    // Integers divide differently.
    let div = if place.engine == Engine::Mysql { "DIV" } else { "/" };
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
    if place.layout == Layout::ManyToMany {
        execute(
            place,
            format!(
                "INSERT INTO {table}_items (id, created_at_us, content) SELECT {id}, {at}, \
                 {content} FROM {numbers} WHERE n % {width} = 0"
            ),
        )
        .await?;
        execute(
            place,
            format!(
                "INSERT INTO {table} (user_id, created_at_us, id) SELECT {user}, {at}, {id} FROM \
                 {numbers}"
            ),
        )
        .await?;
    } else {
        let insert = format!(
            "INSERT INTO {table} (user_id, created_at_us, id, content) SELECT {user}, {at}, {id}, \
             {content} FROM {numbers}"
        );
        execute(place, insert).await?;
    }
    settle(place).await
}

/// Lets the server do what it would do later.
pub(crate) async fn settle(place: &Place) -> Result<()> {
    let items = (place.layout == Layout::ManyToMany).then(|| format!("{}_items", place.table));
    for table in [Some(place.table.clone()), items].into_iter().flatten() {
        match place.engine {
            Engine::Postgres => execute(place, format!("VACUUM (ANALYZE) {table}")).await?,
            Engine::Mysql => _ = numbers_of(place, format!("ANALYZE TABLE {table}")).await,
            Engine::Sqlite => execute(place, "PRAGMA wal_checkpoint(TRUNCATE)".to_owned()).await?,
            Engine::Redis => {}
        }
    }
    if place.engine == Engine::Postgres {
        execute(place, "CHECKPOINT".to_owned()).await?;
    }
    Ok(())
}

/// The table `bench_users` with the ids from 1 on.
pub(crate) async fn users(place: &Place, count: i64) -> Result<()> {
    execute(place, create_users(place)).await?;
    execute(place, "DELETE FROM bench_users".to_owned()).await?;
    let numbers = numbers(place.engine, count);
    execute(place, format!("INSERT INTO bench_users (id) SELECT n + 1 FROM {numbers}")).await?;
    if place.engine == Engine::Postgres {
        execute(place, "VACUUM (ANALYZE) bench_users".to_owned()).await?;
    }
    Ok(())
}

/// So many bytes of text.
pub(crate) fn content(length: usize) -> String {
    "All that is new, and from whom. ".chars().cycle().take(length).collect()
}

async fn feed_redis(place: &Place, items: i64, width: i64) -> Result<()> {
    let script = r"
        local stem, content, width, others = ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[5]) - 1
        for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do
            local us = 1700000000000000 + i * 1000
            local score = string.format('%.0f', us)
            local place = struct.pack('>I4I4I4I4', math.floor(us / 4294967296) + 2147483648, us % 4294967296, 0, i + 1)
            redis.call('ZADD', stem .. 1, score, place .. content)
            for j = 0, others - 1 do
                local user = 2 + (i * others + j) % (others * 100)
                redis.call('ZADD', stem .. string.format('%.0f', user), score, place .. content)
            end
        end
        return 0";
    let mut resp = Resp::connect(&place.address()?).await?;
    let (stem, content) = (format!("{}:user:", place.table), content(100));
    let step = (20_000 / width).max(1);
    for first in (0..items).step_by(usize::try_from(step)?) {
        let numbers =
            [first, (first + step).min(items) - 1, width].map(|number| number.to_string());
        let [from, to, width] = numbers.each_ref().map(String::as_bytes);
        resp.ask(&[
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

/// A derived table of the numbers below `count` in a column `n`, in order.
fn numbers(engine: Engine, count: i64) -> String {
    let last = count - 1;
    match engine {
        Engine::Postgres => format!("generate_series(0, {last}::bigint) AS g(n)"),
        Engine::Mysql => {
            // Neither MySQL nor MariaDB lets a recursive query run that long by default.
            let digits = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 \
                          UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)";
            let places = last.max(1).ilog10() + 1;
            let from: Vec<_> = (0..places).map(|place| format!("{digits} AS d{place}")).collect();
            let sum: Vec<_> =
                (0..places).map(|place| format!("d{place}.d * {}", 10_i64.pow(place))).collect();
            format!(
                "(SELECT n FROM (SELECT {} AS n FROM {}) AS all_of_them WHERE n < {count} ORDER BY n) AS g",
                sum.join(" + "),
                from.join(" CROSS JOIN ")
            )
        }
        _ => format!(
            "(WITH RECURSIVE r(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM r WHERE n < {last}) SELECT n FROM r) AS g"
        ),
    }
}

/// Runs a statement.
pub(crate) async fn execute(place: &Place, sql: String) -> Result<()> {
    let shown: String = sql.chars().take(90).collect();
    let sql: &'static str = sql.leak();
    run(place, sql).await.with_context(|| format!("{shown} …"))
}

async fn run(place: &Place, sql: &'static str) -> Result<()> {
    match place.engine {
        Engine::Sqlite => {
            let options: sqlx::sqlite::SqliteConnectOptions = place.url.parse()?;
            let mut connection = options.disable_statement_logging().connect().await?;
            connection
                .execute(sqlx::raw_sql("PRAGMA journal_mode = wal; PRAGMA synchronous = normal"))
                .await?;
            connection.execute(sqlx::raw_sql(sql)).await?;
            connection.close().await?;
        }
        Engine::Postgres => {
            let options: sqlx::postgres::PgConnectOptions = place.url.parse()?;
            let mut connection = options.disable_statement_logging().connect().await?;
            connection.execute(sqlx::raw_sql(sql)).await?;
        }
        Engine::Mysql => {
            let options: sqlx::mysql::MySqlConnectOptions = place.url.parse()?;
            let mut connection = options.disable_statement_logging().connect().await?;
            connection.execute(sqlx::raw_sql(sql)).await?;
        }
        Engine::Redis => {}
    }
    Ok(())
}

/// The first number of a statement's first row.
pub(crate) async fn numbers_of(place: &Place, sql: String) -> Result<i64> {
    let sql: &'static str = sql.leak();
    Ok(match place.engine {
        Engine::Postgres => {
            let mut connection = sqlx::PgConnection::connect(&place.url).await?;
            connection.fetch_one(sqlx::raw_sql(sql)).await?.try_get(0)?
        }
        Engine::Mysql => {
            let mut connection = sqlx::MySqlConnection::connect(&place.url).await?;
            connection.fetch_one(sqlx::raw_sql(sql)).await?.try_get(0)?
        }
        _ => anyhow::bail!("no numbers of {:?}", place.engine),
    })
}

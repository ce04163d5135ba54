//! The machine and the servers that are measured.

use std::{env::consts, fs, process::Command, thread};

use anyhow::Result;
use sqlx::{Connection, Executor, Row};
use user_streams_test_servers::harness::{
    Cell, Engine,
    resp::{Client, Reply},
};

use crate::store::Store;

/// The processor, the number of its cores and the system.
pub(crate) fn describe() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{}, {cores} cores, {}",
        processor().unwrap_or_else(|| consts::ARCH.to_owned()),
        system()
    )
}

fn processor() -> Option<String> {
    if let Ok(text) = fs::read_to_string("/proc/cpuinfo") {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        return line.split_once(':').map(|(_, name)| name.trim().to_owned());
    }
    output("sysctl", &["-n", "machdep.cpu.brand_string"])
}

fn system() -> String {
    let version = fs::read_to_string("/proc/sys/kernel/osrelease").ok();
    let version = version.or_else(|| output("uname", &["-r"])).unwrap_or_default();
    format!("{} {}", consts::OS, version.trim())
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}

/// The name and version of a cell's server.
pub(crate) async fn server(cell: &Cell, directory: &std::path::Path) -> Result<String> {
    let store = Store::new(cell, directory, "version")?;
    Ok(match cell.engine {
        Engine::Sqlite => format!("SQLite {}", rusqlite::version()),
        Engine::Postgres => {
            let mut connection = sqlx::PgConnection::connect(&store.url).await?;
            let row = connection.fetch_one(sqlx::raw_sql("SHOW server_version")).await?;
            format!("PostgreSQL {}", row.try_get::<String, _>(0)?)
        }
        Engine::Mysql => {
            let mut connection = sqlx::MySqlConnection::connect(&store.url).await?;
            let row = connection.fetch_one(sqlx::raw_sql("SELECT version()")).await?;
            let version: String = row.try_get(0)?;
            if version.contains("MariaDB") {
                version.replace('-', " ")
            } else {
                format!("MySQL {version}")
            }
        }
        Engine::Redis | Engine::RedisCluster => {
            let mut client = Client::connect(&store.address()?).await?;
            let Reply::Bytes(text) = client.call(&[b"INFO", b"server"]).await? else {
                return Ok("Redis".to_owned());
            };
            let text = String::from_utf8_lossy(&text).into_owned();
            let value = |name: &str| {
                text.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned)
            };
            match value("valkey_version:") {
                Some(version) => format!("Valkey {version}"),
                None => format!("Redis {}", value("redis_version:").unwrap_or_default()),
            }
        }
    })
}

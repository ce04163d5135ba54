//! Where a server comes from: a URL in the environment, or a throwaway instance of installed
//! binaries.

use std::{env, path::PathBuf, thread};

use anyhow::{Result, anyhow, bail};

use crate::{
    Kind, Profile, Server, Tool, locate, mariadb, network::retry, package, postgres, redis,
    redis_cluster,
};

/// Where a server comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A URL in the environment.
    Environment(String),
    /// A throwaway instance of the binaries in this directory.
    Local(PathBuf),
    /// Neither a URL nor a binary.
    Missing,
}

/// Where a server of this kind would come from now.
pub fn source(kind: Kind) -> Source {
    match env::var(kind.variable()) {
        Ok(url) if !url.is_empty() => Source::Environment(url),
        _ => locate::directory(kind).map_or(Source::Missing, Source::Local),
    }
}

/// The error for a missing server, with the line that installs it.
pub fn missing(kind: Kind) -> String {
    let place = match locate::chosen(kind) {
        Some(directory) => format!("not in {} ({})", directory.display(), kind.binaries_variable()),
        None => "not installed".to_owned(),
    };
    format!(
        "{} is {place}: run `{}` (or `cargo xtask test --install`), or set {}",
        kind.title(),
        package::line(kind),
        kind.variable()
    )
}

/// The error for a missing tool, with the line that installs it.
pub fn missing_tool(tool: Tool) -> String {
    format!("{} is not installed: run `{}`", tool.title(), package::line_of_tool(tool))
}

/// The URL of the server that the environment names; an error says how to get one.
pub fn url(kind: Kind) -> Result<String> {
    match source(kind) {
        Source::Environment(url) => Ok(url),
        Source::Local(_) => {
            bail!("{} is not set: `cargo xtask test` starts a server for it", kind.variable())
        }
        Source::Missing => bail!(missing(kind)),
    }
}

/// The server that the tests use: the environment's, or a throwaway instance.
pub fn provide(kind: Kind, profile: Profile) -> Result<Server> {
    match source(kind) {
        Source::Environment(url) => {
            kind.check_url(&url)?;
            Ok(Server::external(kind, url))
        }
        Source::Local(_) | Source::Missing => start(kind, profile),
    }
}

/// Starts a throwaway instance and waits until it answers.
pub fn start(kind: Kind, profile: Profile) -> Result<Server> {
    start_with(kind, profile, &[])
}

/// The same with more options; not for a cluster.
pub fn start_with(kind: Kind, profile: Profile, options: &[&str]) -> Result<Server> {
    let Some(binaries) = locate::directory(kind) else { bail!(missing(kind)) };
    let (url, instance) = retry(kind.title(), || match kind {
        Kind::Postgres => postgres::start(&binaries, profile, options),
        Kind::Mysql => mariadb::start(&binaries, profile, options),
        Kind::Redis => redis::start(&binaries, profile, options),
        Kind::RedisCluster => redis_cluster::start(&binaries, profile),
    })?;
    Ok(Server::throwaway(kind, url, instance))
}

/// Starts a sentinel that alone watches over the Redis at this port, by the name `main`.
pub fn start_sentinel(port: u16) -> Result<Server> {
    let kind = Kind::Redis;
    let Some(binaries) = locate::directory(kind) else { bail!(missing(kind)) };
    let (url, instance) = retry("Redis Sentinel", || redis::start_sentinel(&binaries, port))?;
    Ok(Server::throwaway(kind, url, instance))
}

/// Applies `f` to all these kinds at once: starting is mostly waiting.
pub fn concurrently(
    kinds: &[Kind],
    f: impl Fn(Kind) -> Result<Server> + Sync,
) -> Vec<(Kind, Result<Server>)> {
    thread::scope(|scope| {
        let start = |&kind| {
            (
                kind,
                scope.spawn({
                    let f = &f;
                    move || f(kind)
                }),
            )
        };
        let threads: Vec<_> = kinds.iter().map(start).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|_| Err(anyhow!("the starting thread panicked")))
        };
        threads.into_iter().map(|(kind, thread)| (kind, join(thread))).collect()
    })
}

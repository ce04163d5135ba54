//! A running server: its URL, and how it is stopped, paused and restarted.

use std::path::Path;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use crate::{Kind, instance::Instance, mariadb, postgres, redis, redis_cluster, tls::Tls};

/// A running server. Dropping it stops a throwaway instance and removes its directory.
#[derive(Debug)]
pub struct Server {
    /// Its kind.
    pub kind: Kind,
    /// Its URL.
    pub url: String,
    instance: Option<Instance>,
}

impl Server {
    /// A server that was already running.
    pub(crate) fn external(kind: Kind, url: String) -> Self {
        Self { kind, url, instance: None }
    }

    /// A throwaway server.
    pub(crate) fn throwaway(kind: Kind, url: String, instance: Instance) -> Self {
        Self { kind, url, instance: Some(instance) }
    }

    /// Fails if a throwaway server has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        let Some(instance) = &mut self.instance else { return Ok(()) };
        instance.check().with_context(|| format!("{} ended", self.kind.title()))
    }

    /// How many processes can be killed or paused alone; their children do not count.
    pub fn nodes(&self) -> usize {
        self.instance.as_ref().map_or(0, Instance::nodes)
    }

    /// Kills every process.
    pub fn kill(&mut self) -> Result<()> {
        (0..self.nodes()).try_for_each(|node| self.kill_node(node))
    }

    /// Kills one node, with its children.
    pub fn kill_node(&mut self, node: usize) -> Result<()> {
        self.own()?.kill(node)
    }

    /// Shuts it down.
    pub fn terminate(&mut self) -> Result<()> {
        // PostgreSQL waits for its clients on SIGTERM.
        let signal = if self.kind == Kind::Postgres { Signal::INT } else { Signal::TERM };
        (0..self.nodes()).try_for_each(|node| self.own()?.terminate(node, signal))
    }

    /// Restarts what was killed or shut down, on the same ports and data, and waits until it
    /// answers.
    pub fn restart(&mut self) -> Result<()> {
        let kind = self.kind;
        let instance = self.own()?;
        instance.restart()?;
        if kind == Kind::RedisCluster {
            redis_cluster::joined(instance)?;
        }
        Ok(())
    }

    /// Restarts it with TLS or without; returns the TLS port, which is another one for Redis.
    pub fn restart_with(&mut self, tls: Option<&Tls<'_>>) -> Result<u16> {
        let (kind, instance) = (self.kind, self.own()?);
        let (directory, port) =
            (instance.path(), *instance.ports().first().context("it has no process")?);
        let tls_port = match kind {
            Kind::Postgres => postgres::configure(directory, tls).map(|()| port),
            Kind::Mysql => mariadb::configure(directory, tls).map(|()| port),
            Kind::Redis => redis::configure(directory, port, tls),
            Kind::RedisCluster => bail!("no TLS in the throwaway cluster"),
        }?;
        self.terminate()?;
        self.restart()?;
        Ok(tls_port)
    }

    /// The directory of a throwaway server.
    pub fn directory(&self) -> Option<&Path> {
        self.instance.as_ref().map(Instance::path)
    }

    /// Pauses every process: connections stay open, and nothing is answered.
    pub fn pause(&mut self) -> Result<()> {
        (0..self.nodes()).try_for_each(|node| self.pause_node(node))
    }

    /// Pauses one node, with its children.
    pub fn pause_node(&mut self, node: usize) -> Result<()> {
        self.own()?.pause(node)
    }

    /// Continues what was paused.
    pub fn resume(&mut self) -> Result<()> {
        self.own()?.resume()
    }

    fn own(&mut self) -> Result<&mut Instance> {
        match &mut self.instance {
            Some(instance) => Ok(instance),
            None => bail!("{} is not a throwaway server: it cannot be stopped", self.kind.title()),
        }
    }
}

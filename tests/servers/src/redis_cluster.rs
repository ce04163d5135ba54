//! A throwaway Redis Cluster: three masters, each with a replica.

use std::{path::Path, process::Command};

use anyhow::{Context, Result};

use crate::{
    Profile,
    instance::Instance,
    locate,
    network::free_ports,
    redis::{BUS, expect, spawn},
};

const NODES: usize = 6;

/// Starts the nodes, joins them, and waits until each master and replica is ready.
pub(crate) fn start(binaries: &Path, profile: Profile) -> Result<(String, Instance)> {
    let client =
        locate::binary(binaries, locate::REDIS_CLI).context("the client binary has disappeared")?;
    let mut instance = Instance::new("redis-cluster")?;
    let ports = free_ports(NODES, BUS)?;
    for &port in &ports {
        let options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "5000"];
        spawn(&mut instance, binaries, port, "", &[profile.redis(), &options].concat())?;
    }

    let addresses: Vec<_> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    let mut create = Command::new(client);
    create.args(["--cluster", "create"]).args(&addresses).args([
        "--cluster-replicas",
        "1",
        "--cluster-yes",
    ]);
    instance.prepare("redis-cli", &mut create)?;
    joined(&mut instance)?;

    let (first, others) = addresses.split_first().context("a cluster has nodes")?;
    let others: Vec<_> = others.iter().map(|address| format!("node={address}")).collect();
    Ok((format!("redis-cluster://{first}?{}", others.join("&")), instance))
}

/// Waits until the nodes know each other and serve every slot.
pub(crate) fn joined(instance: &mut Instance) -> Result<()> {
    for port in instance.ports() {
        instance.wait_until("joining the nodes", || {
            expect(port, "CLUSTER INFO", "cluster_state:ok")?;
            expect(port, "CLUSTER INFO", "cluster_known_nodes:6")?;
            // A master's replica is in sync; a replica's link is up.
            expect(port, "INFO replication", "state=online")
                .or_else(|_| expect(port, "INFO replication", "master_link_status:up"))
        })?;
    }
    Ok(())
}

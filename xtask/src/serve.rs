//! `cargo xtask servers`: throwaway servers for work by hand.

use std::thread;

use anyhow::{Result, bail};
use user_streams_test_servers::{
    self as servers, Kind, Profile, interrupt,
    process::{POLL, quote},
};

use crate::flags::Servers;

/// Starts the servers, prints where they are, and waits for Ctrl-C.
pub(crate) fn run(flags: &Servers) -> Result<()> {
    let mut kinds = if flags.kinds.is_empty() { Kind::ALL.to_vec() } else { flags.kinds.clone() };
    kinds.sort_unstable();
    kinds.dedup();
    let profile = if flags.durable { Profile::Durable } else { Profile::Fast };

    let started = servers::concurrently(&kinds, |kind| servers::start(kind, profile));
    interrupt::check()?;
    let (mut running, mut errors) = (Vec::new(), Vec::new());
    for (_, result) in started {
        match result {
            Ok(server) => running.push(server),
            Err(error) => errors.push(format!("{error:#}")),
        }
    }
    if !errors.is_empty() {
        bail!("{}", errors.join("\n"));
    }

    for server in &running {
        println!("export {}={}", server.kind.variable(), quote(&server.url));
    }
    eprintln!("the servers run until Ctrl-C");
    while !interrupt::happened() {
        for server in &mut running {
            server.check()?;
        }
        thread::sleep(POLL);
    }
    eprintln!("stopping the servers");
    Ok(())
}

//! An external server, by the URL in `USER_STREAMS_TEST_REDIS`: other versions, managed ones.
//!
//! Each test takes an empty database of it, and leaves that empty.

use std::{
    collections::BTreeSet,
    env,
    sync::{Mutex, MutexGuard, PoisonError},
    thread::sleep,
    time::{Duration, Instant},
};

use super::{cli, cli_reads};

/// The numbers of the databases in use by this process.
static TAKEN: Mutex<BTreeSet<u8>> = Mutex::new(BTreeSet::new());

/// A database of the server.
pub struct Given {
    pub url: String,
    number: u8,
}

impl Given {
    /// An empty one, if there is such a server; waits while other tests use all of them.
    pub fn take() -> Option<Self> {
        let url = variable("USER_STREAMS_TEST_REDIS")?;
        assert!(
            cli(&url, &["ping"]).is_some(),
            "the server of USER_STREAMS_TEST_REDIS cannot be reached"
        );
        let start = Instant::now();
        loop {
            if let Some(given) = Self::try_take(&url) {
                return Some(given);
            }
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "the server of USER_STREAMS_TEST_REDIS has no empty database from 1 to 15"
            );
            sleep(Duration::from_millis(50));
        }
    }

    fn try_take(url: &str) -> Option<Self> {
        let mut server = url::Url::parse(url).expect("USER_STREAMS_TEST_REDIS is a URL");
        let mut taken = taken();
        let number = (1..16).find(|number| {
            server.set_path(&number.to_string());
            !taken.contains(number) && cli(server.as_str(), &["dbsize"]).as_deref() == Some("0")
        })?;
        taken.insert(number);
        Some(Self { url: server.to_string(), number })
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        _ = cli(&self.url, &["flushdb"]);
        taken().remove(&self.number);
    }
}

fn taken() -> MutexGuard<'static, BTreeSet<u8>> {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A prefix of keys of the cluster at the URL in `USER_STREAMS_TEST_REDIS_CLUSTER`; dropping it
/// deletes them.
pub struct GivenPrefix {
    pub url: String,
    pub prefix: String,
}

impl GivenPrefix {
    pub fn take() -> Option<Self> {
        let url = variable("USER_STREAMS_TEST_REDIS_CLUSTER")?;
        Some(Self { url, prefix: format!("test{:016x}", fastrand::u64(..)) })
    }
}

impl Drop for GivenPrefix {
    fn drop(&mut self) {
        let one = self.url.replacen("-cluster", "", 1);
        let one = one.split('?').next().unwrap_or_default();
        let nodes = cli(one, &["cluster", "nodes"]).unwrap_or_default();
        // Each master has a part of the keys.
        for node in nodes.lines().filter(|node| node.contains("master")) {
            let address =
                node.split([' ', '@']).nth(1).and_then(|address| address.rsplit_once(':'));
            let (Some((host, port)), Ok(mut url)) = (address, url::Url::parse(one)) else {
                continue;
            };
            _ = (url.set_host(Some(host)), url.set_port(port.parse().ok()));
            let pattern = format!("{}:*", self.prefix);
            let keys = cli(url.as_str(), &["--scan", "--pattern", &pattern]).unwrap_or_default();
            let unlink: String = keys.lines().map(|key| format!("UNLINK {key}\n")).collect();
            cli_reads(url.as_str(), &unlink);
        }
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|url| !url.is_empty())
}

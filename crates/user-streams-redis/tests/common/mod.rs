//! Servers for the tests: throwaway ones, to be killed, stalled, configured and counted. A test
//! that only stores and reads data also runs on an external server, by its URL.

#![allow(dead_code, reason = "each test file uses some of it")]

mod given;
pub mod proxy;
pub mod streams;

use std::{
    io::Write,
    process::{Command, Stdio},
    sync::Mutex,
    thread::sleep,
    time::{Duration, Instant},
};

use given::{Given, GivenPrefix};
use user_streams_test_servers::{Kind, Profile, Server, start_sentinel, start_with};

/// A throwaway server, or an empty database of an external one.
pub struct Redis {
    pub port: u16,
    of: Of,
    answers: bool,
}

enum Of {
    Given(Given),
    Own(Mutex<Server>),
}

impl Redis {
    pub fn start(options: &[&str]) -> Self {
        Self::own(start_with(Kind::Redis, Profile::Fast, options).unwrap())
    }

    /// A database of the server that the environment names, or a throwaway server.
    pub fn any() -> Self {
        match Given::take() {
            Some(given) => Self { port: 0, of: Of::Given(given), answers: true },
            None => Self::start(&[]),
        }
    }

    /// A sentinel that alone monitors the master as `main`.
    pub fn sentinel(master: &Self) -> Self {
        Self::own(start_sentinel(master.port).unwrap())
    }

    fn own(server: Server) -> Self {
        let (_, port) = server.url.rsplit_once(':').unwrap();
        Self { port: port.parse().unwrap(), of: Of::Own(Mutex::new(server)), answers: true }
    }

    fn server<T>(&self, act: impl FnOnce(&mut Server) -> T) -> T {
        match &self.of {
            Of::Given(_) => panic!("this test needs a throwaway server"),
            Of::Own(server) => act(&mut server.lock().unwrap()),
        }
    }

    /// Restarts it on the same port.
    pub fn restart(&mut self) {
        self.server(Server::restart).unwrap();
        self.answers = true;
    }

    pub fn kill(&mut self) {
        self.server(Server::kill).unwrap();
        self.answers = false;
    }

    /// Pauses it for good.
    pub fn stall(&mut self) {
        self.signal("STOP");
        self.answers = false;
    }

    /// `STOP` or `CONT`.
    pub fn signal(&self, signal: &str) {
        match signal {
            "STOP" => self.server(Server::pause).unwrap(),
            _ => self.server(Server::resume).unwrap(),
        }
    }

    pub fn url(&self) -> String {
        match &self.of {
            Of::Given(given) => given.url.clone(),
            Of::Own(_) => format!("redis://127.0.0.1:{}", self.port),
        }
    }

    /// The URL of a login with the documented commands and these alone; `CONFIG` and `INFO` are
    /// denied, as on managed servers.
    pub fn restricted(&self, more: &[&str]) -> String {
        self.restricted_to("user_streams", more)
    }

    /// The same for the keys of this prefix.
    pub fn restricted_to(&self, prefix: &str, more: &[&str]) -> String {
        let user = ["acl", "setuser", "ann", "reset", "on", ">pw"];
        let streams = format!("~{prefix}:stream:*");
        let content = format!("~{prefix}:content:*");
        let marks = format!("~{prefix}:mark:*");
        let feeds = format!("~{prefix}:feed:*");
        let rights = [
            &*streams,
            &*content,
            &*marks,
            &*feeds,
            "+ping",
            "+evalsha",
            "+script|load",
            "+zadd",
            "+zcount",
            "+zrank",
            "+zrange",
        ];
        assert_eq!(self.cli(&[&user[..], &rights, more].concat()), "OK");
        format!("redis://ann:pw@127.0.0.1:{}", self.port)
    }

    pub fn cli(&self, args: &[&str]) -> String {
        self.try_cli(args).unwrap()
    }

    pub fn try_cli(&self, args: &[&str]) -> Option<String> {
        cli(&self.url(), args)
    }

    /// The count of each shared content equals the number of members that refer to it, and every
    /// content that a member refers to exists.
    pub fn assert_counts(&self, prefix: &str) {
        let script = "
            local members, counts, numbers = {}, {}, {}
            for _, key in ipairs(redis.call('KEYS', ARGV[1] .. ':stream:*')) do
              local is_stream = redis.call('TYPE', key).ok == 'zset'
              for _, member in ipairs(is_stream and redis.call('ZRANGE', key, 0, -1) or {}) do
                if #member == 17 and string.byte(member, 17) == 0 then members[member] = \
                (members[member] or 0) + 1 end
              end
            end
            for _, number in pairs(members) do table.insert(numbers, number) end
            for _, key in ipairs(redis.call('KEYS', ARGV[1] .. ':content:*')) do
              table.insert(counts, tonumber(redis.call('GETRANGE', key, 0, 9)))
            end
            table.sort(numbers)
            table.sort(counts)
            return {table.concat(numbers, ' '), table.concat(counts, ' ')}";
        let answer = self.cli(&["eval", script, "0", prefix]);
        let (members, counts) = answer.split_once('\n').unwrap_or((&answer, ""));
        assert_eq!(members, counts);
    }

    /// The number of its clients, without the one that counts.
    pub fn clients(&self) -> usize {
        self.cli(&["client", "list", "type", "normal"])
            .lines()
            .filter(|line| !line.contains("cmd=client"))
            .count()
    }

    pub fn wait_until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !condition(self) {
            assert!(start.elapsed() < Duration::from_secs(30), "waited for 30 s until {what}");
            sleep(Duration::from_millis(20));
        }
    }
}

/// `redis-cli`, which is installed beside the server.
pub fn redis_cli() -> Command {
    user_streams_test_servers::redis_cli().unwrap()
}

/// Its output, unless it fails.
fn cli(url: &str, args: &[&str]) -> Option<String> {
    let output = redis_cli().args(["-u", url]).args(args).output().unwrap();
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// Sends it lines of commands.
fn cli_reads(url: &str, lines: &str) {
    let mut client =
        redis_cli().args(["-u", url]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    client.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    client.wait().unwrap();
}

/// A cluster, and the prefix of this test's keys.
pub enum AnyCluster {
    Given(GivenPrefix),
    Own(Cluster),
}

impl AnyCluster {
    /// The one that the environment names, or a throwaway one.
    pub fn get() -> Self {
        GivenPrefix::take().map_or_else(|| Self::Own(Cluster::start()), Self::Given)
    }

    pub fn url(&self) -> String {
        match self {
            Self::Given(given) => given.url.clone(),
            Self::Own(cluster) => cluster.url(),
        }
    }

    pub fn prefix(&self) -> &str {
        match self {
            Self::Given(given) => &given.prefix,
            Self::Own(_) => "test",
        }
    }
}

/// Three masters and as many replicas.
pub struct Cluster {
    pub nodes: Vec<Redis>,
}

impl Cluster {
    pub fn start() -> Self {
        let options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1500"];
        let nodes: Vec<_> = (0..6).map(|_| Redis::start(&options)).collect();
        let output = redis_cli()
            .args(["--cluster", "create"])
            .args(nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)))
            .args(["--cluster-replicas", "1", "--cluster-yes"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        let cluster = Self { nodes };
        for node in &cluster.nodes {
            node.wait_until("the cluster is whole", |node| {
                node.cli(&["cluster", "info"]).contains("cluster_state:ok")
                    && !node.cli(&["info", "replication"]).contains("master_link_status:down")
                    && node
                        .cli(&["cluster", "nodes"])
                        .lines()
                        .filter(|line| line.contains("slave"))
                        .count()
                        == 3
            });
        }
        cluster
    }

    /// Until every node has the same map of the slots.
    pub fn wait_until_agreed(&self) {
        self.nodes[0].wait_until("the nodes agree", |node| {
            let check = ["--cluster", "check", &format!("127.0.0.1:{}", node.port)];
            redis_cli().args(check).output().unwrap().status.success()
        });
    }

    pub fn url(&self) -> String {
        format!(
            "redis-cluster://127.0.0.1:{}?node=127.0.0.1:{}",
            self.nodes[0].port, self.nodes[1].port
        )
    }

    /// The node that owns a slot.
    pub fn owner(&self, slot: u16) -> usize {
        let has = |node: &&Redis| {
            let nodes = node.cli(&["cluster", "nodes"]);
            let own = nodes.lines().find(|line| line.contains("myself")).unwrap();
            own.contains("master")
                && own.split(' ').skip(8).filter(|word| !word.starts_with('[')).any(|range| {
                    let (start, end) = range.split_once('-').unwrap_or((range, range));
                    (start.parse().unwrap()..=end.parse().unwrap()).contains(&slot)
                })
        };
        let owner = self.nodes.iter().filter(|node| node.answers).find(has).unwrap().port;
        self.nodes.iter().position(|node| node.port == owner).unwrap()
    }

    pub fn name(&self, node: usize) -> String {
        self.nodes[node].cli(&["cluster", "myid"])
    }
}

//! Servers for the tests. What is killed, stalled, configured or counted is one of our own, on a
//! free port, in a directory that goes with it: of the binaries in `USER_STREAMS_TEST_REDIS_BIN`,
//! or on the PATH. What is asked for data alone may be somebody else's, by its URL.

#![allow(dead_code, reason = "each test file uses some of it")]

mod given;
pub mod proxy;
pub mod streams;

use std::{
    env,
    fs::{self, File},
    io::Write,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use given::{Given, GivenPrefix};

/// A `redis-server` that ends with this value, or an empty database of one that stays.
pub struct Redis {
    pub port: u16,
    given: Option<Given>,
    config: Option<PathBuf>,
    options: Vec<String>,
    directory: PathBuf,
    child: Option<Child>,
    stalled: bool,
}

impl Redis {
    pub fn start(options: &[&str]) -> Self {
        let mut redis = Self::prepare();
        redis.options =
            ["--save", ""].iter().chain(options).map(|&option| option.to_owned()).collect();
        redis.restart();
        redis
    }

    /// For what any server can do: a database of the one that the environment names, or a server of
    /// our own.
    pub fn any() -> Self {
        let Some(given) = Given::take() else { return Self::start(&[]) };
        let directory = PathBuf::new();
        let (config, options) = (None, Vec::new());
        Self {
            port: 0,
            given: Some(given),
            config,
            options,
            directory,
            child: None,
            stalled: false,
        }
    }

    /// A sentinel that watches over `main`, by itself alone.
    pub fn sentinel(master: &Self) -> Self {
        let mut redis = Self::prepare();
        let config = redis.directory.join("sentinel.conf");
        let lines = format!(
            "port {}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 5000\n",
            redis.port, master.port
        );
        fs::write(&config, lines).unwrap();
        redis.options = vec!["--sentinel".to_owned()];
        redis.config = Some(config);
        redis.restart();
        redis
    }

    fn prepare() -> Self {
        // A cluster's bus has its port 10,000 above.
        let port = loop {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let bus = || TcpListener::bind(("127.0.0.1", port + 10_000)).is_ok();
            if port < 55_000 && port > 1_024 && bus() {
                break port;
            }
        };
        let directory =
            std::env::temp_dir().join(format!("user-streams-redis-{}-{port}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let (config, options) = (None, Vec::new());
        Self { port, given: None, config, options, directory, child: None, stalled: false }
    }

    /// Starts it again, on the same port.
    pub fn restart(&mut self) {
        let log = File::create(self.directory.join("log")).unwrap();
        let child = Command::new(binary(&["redis-server", "valkey-server"]))
            .args(&self.config)
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--dir"])
            .arg(&self.directory)
            .args(&self.options)
            .stdout(log)
            .stderr(Stdio::null())
            .spawn()
            .expect(
                "this test needs a server of its own: apt-get install redis-server, or name the \
                 directory of its \
                 binaries in USER_STREAMS_TEST_REDIS_BIN",
            );
        self.child = Some(child);
        self.wait_until("it answers", |redis| {
            redis
                .try_cli(&["ping"])
                .is_some_and(|pong| pong == "PONG" || pong.starts_with("NOAUTH"))
        });
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Leaves it without an answer for good.
    pub fn stall(&mut self) {
        self.signal("STOP");
        self.stalled = true;
    }

    /// `STOP` or `CONT`.
    pub fn signal(&self, signal: &str) {
        let process = self.child.as_ref().unwrap().id().to_string();
        assert!(
            Command::new("kill")
                .args([&format!("-{signal}"), &process])
                .status()
                .unwrap()
                .success()
        );
    }

    pub fn url(&self) -> String {
        self.given
            .as_ref()
            .map_or_else(|| format!("redis://127.0.0.1:{}", self.port), |given| given.url.clone())
    }

    pub fn cli(&self, args: &[&str]) -> String {
        self.try_cli(args).unwrap()
    }

    pub fn try_cli(&self, args: &[&str]) -> Option<String> {
        cli(&self.url(), args)
    }

    /// Each content that is stored apart counts the members that refer to it, and no member refers
    /// to one that is not there.
    pub fn assert_counts(&self, prefix: &str) {
        let script = "
            local members, counts, numbers = {}, {}, {}
            for _, key in ipairs(redis.call('KEYS', ARGV[1] .. ':user:*')) do
              for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
                if #member == 17 and string.byte(member, 17) == 0 then members[member] = \
                (members[member] or 0) + 1 end
              end
            end
            for _, number in pairs(members) do table.insert(numbers, number) end
            for _, key in ipairs(redis.call('KEYS', ARGV[1] .. ':item:*')) do
              table.insert(counts, tonumber(redis.call('GETRANGE', key, 0, 9)))
            end
            table.sort(numbers)
            table.sort(counts)
            return {table.concat(numbers, ' '), table.concat(counts, ' ')}";
        let answer = self.cli(&["eval", script, "0", prefix]);
        let (members, counts) = answer.split_once('\n').unwrap_or((&answer, ""));
        assert_eq!(members, counts);
    }

    /// The number of its clients, without the one that asks.
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

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
        if self.given.is_none() {
            _ = fs::remove_dir_all(&self.directory);
        }
    }
}

/// The client, which comes with the server.
pub fn redis_cli() -> Command {
    Command::new(binary(&["redis-cli", "valkey-cli"]))
}

/// What it prints, unless it fails.
fn cli(url: &str, args: &[&str]) -> Option<String> {
    let output = redis_cli().args(["-u", url]).args(args).output().unwrap();
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// Gives it lines of commands.
fn cli_reads(url: &str, lines: &str) {
    let mut client =
        redis_cli().args(["-u", url]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    client.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    client.wait().unwrap();
}

/// The first of these in the directory that is chosen, or on the PATH.
fn binary(names: &[&str]) -> PathBuf {
    let chosen =
        env::var_os("USER_STREAMS_TEST_REDIS_BIN").filter(|directory| !directory.is_empty());
    let directories = chosen.or_else(|| env::var_os("PATH")).unwrap_or_default();
    let mut found = env::split_paths(&directories)
        .flat_map(|directory| names.iter().map(move |name| directory.join(name)));
    found.find(|path| path.is_file()).unwrap_or_else(|| names[0].into())
}

/// A cluster that keys of this test are in, by their prefix.
pub enum AnyCluster {
    Given(GivenPrefix),
    Own(Cluster),
}

impl AnyCluster {
    /// The one that the environment names, or one of our own.
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
        let options = [
            "--cluster-enabled",
            "yes",
            "--cluster-node-timeout",
            "1500",
            "--repl-diskless-sync-delay",
            "0",
        ];
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

    /// The node that has a slot, and its name within the cluster.
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
        let alive = |node: &&Redis| node.child.is_some() && !node.stalled;
        let owner = self.nodes.iter().filter(alive).find(has).unwrap().port;
        self.nodes.iter().position(|node| node.port == owner).unwrap()
    }

    pub fn name(&self, node: usize) -> String {
        self.nodes[node].cli(&["cluster", "myid"])
    }
}

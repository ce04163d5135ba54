//! Subscribers get everything, whatever happens to connections, to the server or to them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Result, bail};
use fastrand::Rng;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};
use user_streams_core::{Cursor, ItemId, Streams};
use user_streams_test_servers::harness::Engine;

use super::{Fault, has_server};
use crate::{
    child::{Child, Message, Subscriber},
    cuts::Cuts,
    fixture::{Fixture, Options},
    inboxes::Inboxes,
    outcome::Outcome,
    posts::{Group, Post, TEAMS},
    proxy::Mode,
    store::{Features, Limits},
    subscribers::Subscribers,
    trial::Trial,
};

pub(super) const LIVE: Fault = Fault {
    name: "live",
    about: "items for users, for everyone and for other audiences come to subscribers while two \
        handles add, while connections are closed or stall, and while subscribers leave, or are \
        killed (SIGKILL), and come back with the last item that they had; each gets all that was \
        acknowledged, and nothing else",
    // A watcher of a cluster has 16,384 subscriptions there, so one trial at a time: `SERVER`.
    runs_on: |cell| cell.engine != Engine::RedisCluster,
    short: 3,
    long: 20,
    exclusive: false,
    weight: 2,
    run: |trial| Box::pin(run(trial)),
};

pub(super) const SERVER: Fault = Fault {
    name: "live-server",
    about: "the same while the server, or a node of the cluster, is killed (SIGKILL) or shut down \
        and restarted, or stopped (SIGSTOP) for a while; on a cluster also while the subscribers \
        are killed",
    runs_on: has_server,
    short: 3,
    long: 9,
    exclusive: true,
    weight: 2,
    run: |trial| Box::pin(run_on_server(trial)),
};

const USERS: i64 = 6;
const TASKS: usize = 6;
/// How often the process of subscribers is killed.
const KILLS: u32 = 2;

async fn run(trial: Trial) -> Result<Outcome> {
    let mut live = Live::open(&trial).await?;
    let fixture = Arc::clone(&live.fixture);
    match trial.variant(3) {
        0 => live.kill_subscribers(&trial).await?,
        1 => {
            let cuts = Cuts::start(&fixture, &mut live.rng);
            sleep(Duration::from_millis(trial.pick(700, 3_000))).await;
            live.stop_adding().await?;
            live.recovered = Instant::now();
            cuts.stop().await;
            live.settle().await?;
        }
        _ => {
            live.stall(&trial).await?;
            live.settle().await?;
        }
    }
    live.finish().await
}

async fn run_on_server(trial: Trial) -> Result<Outcome> {
    let mut live = Live::open(&trial).await?;
    let is_cluster = trial.cell.engine == Engine::RedisCluster;
    let variant = trial.variant(3);
    if variant == 0 && is_cluster {
        live.kill_subscribers(&trial).await?;
        return live.finish().await;
    }
    let rng = &mut live.rng;
    sleep(Trial::between(rng, 200, 600)).await;
    let node = rng.usize(..6);
    trial
        .on_server(move |server| match (variant, is_cluster) {
            (0, false) => server.terminate(),
            (2, false) => server.pause(),
            (2, true) => server.pause_node(node),
            (_, false) => server.kill(),
            (_, true) => server.kill_node(node),
        })
        .await?;
    let pause = match variant {
        2 => Trial::between(rng, 500, trial.pick(1_500, 2_500)),
        _ => Trial::between(rng, 0, trial.pick(500, 3_000)),
    };
    sleep(pause).await;
    trial
        .on_server(move |server| if variant == 2 { server.resume() } else { server.restart() })
        .await?;
    live.recovered = Instant::now();
    live.fixture.recovered();
    live.fixture.wait_for_recovery().await;
    live.settle().await?;
    live.finish().await
}

/// Subscribers, and tasks that add.
struct Live {
    fixture: Arc<Fixture>,
    /// Those that add: the second is like another process.
    handles: [Streams; 2],
    inboxes: Arc<Inboxes>,
    subscribers: Subscribers,
    rng: Rng,
    /// Before anything that is added.
    start: Cursor,
    stop: Arc<AtomicBool>,
    adding: JoinSet<()>,
    recovered: Instant,
}

impl Live {
    /// Starts everything, and waits until the subscribers have begun.
    async fn open(trial: &Trial) -> Result<Self> {
        let mut rng = trial.rng();
        let features = Features { audiences: true, hiding: rng.bool(), live: true };
        // More patient than other trials: this is about what comes, on a busy machine too.
        let (connect, statement) = (Duration::from_secs(3), Duration::from_secs(4));
        let limits = Limits { connect, statement, ..Limits::default() };
        let options = Options { features, limits, ..Options::default() };
        let fixture = Fixture::open(trial, options).await?;
        // The second handle, and what listens.
        fixture.other_pools.fetch_add(2, Ordering::Relaxed);
        fixture.watch_sessions();
        let handles = [fixture.streams.clone(), fixture.store.streams().await?];
        let inboxes = Inboxes::new(&fixture);
        let mut subscribers = Subscribers::new(&fixture, &inboxes);
        let start = Cursor::new(chrono::Utc::now(), ItemId::generate());
        for user in 1..=USERS {
            subscribers.add(&fixture.streams, user);
            // Each watcher of a cluster begins with its thousands of subscriptions.
            let is_cluster = trial.cell.engine == Engine::RedisCluster;
            let back_by = if is_cluster { &handles[..1] } else { &handles };
            subscribers.add_restless(back_by.to_vec(), user, start, rng.fork());
        }
        let deadline = Instant::now() + Duration::from_secs(20);
        while !inboxes.have_begun() {
            if Instant::now() > deadline {
                bail!("the subscribers do not begin");
            }
            fixture.post(&handles[1], &fixture.shared_post(vec![Group::Everyone])).await;
            sleep(Duration::from_millis(50)).await;
        }
        let (stop, adding, recovered) = (Arc::default(), JoinSet::new(), Instant::now());
        let mut live =
            Self { fixture, handles, inboxes, subscribers, rng, start, stop, adding, recovered };
        live.start_adding();
        Ok(live)
    }

    fn start_adding(&mut self) {
        for task in 0..TASKS {
            let (fixture, stop) = (Arc::clone(&self.fixture), Arc::clone(&self.stop));
            let (streams, mut rng) = (self.handles[task % 2].clone(), self.rng.fork());
            self.adding.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    add(&fixture, &streams, &mut rng).await;
                    sleep(Duration::from_millis(rng.u64(10..50))).await;
                }
            });
        }
    }

    async fn stop_adding(&mut self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(done) = self.adding.join_next().await {
            done?;
        }
        Ok(())
    }

    /// All connections stall for a while; in the long form some of them forever.
    async fn stall(&mut self, trial: &Trial) -> Result<()> {
        let Ok(proxy) = self.fixture.proxy() else {
            sleep(Duration::from_millis(trial.pick(700, 3_000))).await;
            return Ok(());
        };
        let forwards_close = self.rng.bool();
        sleep(Trial::between(&mut self.rng, 100, 300)).await;
        proxy.set(Mode::Stall { forwards_close });
        if trial.long && self.rng.bool() {
            // The server does not learn of their end.
            self.fixture.other_pools.fetch_add(3, Ordering::Relaxed);
            sleep(self.fixture.store.limits.statement).await;
        } else {
            proxy.set_new(Mode::Stall { forwards_close });
            sleep(Trial::between(&mut self.rng, 300, trial.pick(1_000, 4_000))).await;
            proxy.heal();
        }
        self.recovered = Instant::now();
        self.fixture.recovered();
        self.fixture.wait_for_recovery().await;
        Ok(())
    }

    /// Some more subscribers are in a process that is killed, and another one goes on for them.
    async fn kill_subscribers(&mut self, trial: &Trial) -> Result<()> {
        self.fixture.expect_success();
        let after =
            |user| Subscriber { number: self.inboxes.open(user, true), user, last: self.start };
        let mut subscribers: Vec<_> = (1..=USERS).map(after).collect();
        for kill in 0..=KILLS {
            let start = Child::start_subscribers(trial, &self.fixture, subscribers.clone());
            let mut child = start.await?;
            let last = kill == KILLS;
            let end = Instant::now() + Trial::between(&mut self.rng, 50, 400);
            while let Ok(Some(message)) = timeout_at(end, child.next()).await.unwrap_or(Ok(None)) {
                self.receive(&mut subscribers, message);
            }
            if last {
                self.stop_adding().await?;
                self.add_some().await;
                let (inboxes, recovered) = (Arc::clone(&self.inboxes), Instant::now());
                let all = inboxes.wait(recovered);
                tokio::pin!(all);
                loop {
                    tokio::select! {
                        message = child.next() => match message? {
                            Some(message) => self.receive(&mut subscribers, message),
                            None => bail!("the process of subscribers has ended"),
                        },
                        () = &mut all => break,
                    }
                }
            }
            child.kill().await?;
            // What it printed before its end was received.
            while let Some(message) = child.next().await.ok().flatten() {
                self.receive(&mut subscribers, message);
            }
        }
        Ok(())
    }

    fn receive(&self, subscribers: &mut [Subscriber], message: Message) {
        match message {
            Message::Came(number, at, content) => {
                let subscriber = subscribers.iter_mut().find(|known| known.number == number);
                if let Some(subscriber) = subscriber {
                    subscriber.last = at;
                }
                self.inboxes.receive(number, at, &content);
            }
            Message::Failed(_, error) => {
                self.fixture.problem(format!("a subscription of a process ended: {error}"));
            }
            _ => {}
        }
    }

    /// Some items after everything.
    async fn add_some(&self) {
        for streams in &self.handles {
            for groups in [vec![Group::Everyone], (0..TEAMS).map(Group::Team).collect()] {
                self.fixture.post(streams, &self.fixture.shared_post(groups)).await;
            }
            self.fixture.post(streams, &self.fixture.own_post(1..=USERS)).await;
        }
    }

    /// Adds some last items, and waits until everything has come.
    async fn settle(&mut self) -> Result<()> {
        self.stop_adding().await?;
        self.fixture.expect_success();
        self.add_some().await;
        self.inboxes.wait(self.recovered).await;
        Ok(())
    }

    /// Ends the trial.
    async fn finish(self) -> Result<Outcome> {
        self.subscribers.stop().await;
        let [_, other] = self.handles;
        other.close().await?;
        let fixture = self.fixture;
        fixture.check_feeds().await?;
        let mut outcome = fixture.finish().await?;
        outcome.acknowledged += fixture.posts.shared_acknowledged();
        Ok(outcome)
    }
}

/// Adds an item, by calls of which some are dropped.
async fn add(fixture: &Fixture, streams: &Streams, rng: &mut Rng) {
    let post = new_post(fixture, rng);
    if rng.u32(..4) == 0 {
        let add = fixture.start_post(streams, &post).into_future();
        let longest = Duration::from_millis(4);
        if let Some(delivery) = fixture.attempt("an add", rng, longest, add).await {
            fixture.acknowledge_post(&post, delivery.delivered);
            return;
        }
    }
    for _ in 0..3 {
        if fixture.post(streams, &post).await {
            break;
        }
    }
}

/// An item for a user, for more than are named when it is told, for everyone or other audiences.
fn new_post(fixture: &Fixture, rng: &mut Rng) -> Post {
    let user = rng.i64(1..=USERS);
    let team = Group::Team(rng.i64(0..TEAMS));
    match rng.u32(..7) {
        0 | 1 => fixture.own_post(user..=user),
        2 => fixture.own_post(user..=USERS + 2),
        3 => fixture.own_post(user..=USERS + 200),
        4 => fixture.shared_post(vec![Group::Everyone]),
        5 => fixture.shared_post(vec![team]),
        _ => fixture.shared_post(vec![team, Group::Everyone]),
    }
}

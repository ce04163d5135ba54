//! The clients of a web server close their connections at any moment, as browsers do.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use fastrand::Rng;
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use user_streams_core::{Error, ErrorKind, StreamItem};

use super::{Fault, everywhere, marks::Marks};
use crate::{
    fixture::{Fixture, Options},
    outcome::Outcome,
    partly::run_partly,
    site::{Answer, Events, PLACES, Request, Site},
    trial::Trial,
};

pub(super) const FAULT: Fault = Fault {
    name: "http",
    about: "the clients of a web server add, mark, read pages and listen to events, and close \
        their connections at any moment, of requests, answers and streams; then patient ones get \
        all their answers, and as many streams of events as a user may have",
    runs_on: everywhere,
    short: 2,
    long: 20,
    exclusive: false,
    weight: 4,
    run: |trial| Box::pin(run(trial)),
};

const USERS: i64 = super::marks::USERS;
const CLIENTS: usize = 24;
/// The percentage of those who leave that may cost a session, because their call did not settle in
/// time.
const UNSETTLED_PERCENT: u64 = 2;
/// A request is a few calls of the library.
const CALLS: u32 = 3;
/// How long the place of a client that has left may be taken.
const FREED: Duration = Duration::from_secs(3);

async fn run(trial: Trial) -> Result<Outcome> {
    let mut rng = trial.rng();
    let fixture = Fixture::open(&trial, Options::on_either_pool(&trial)).await?;
    fixture.watch_sessions();
    let clients = Clients {
        site: Site::start(&fixture).await?,
        fixture: Arc::clone(&fixture),
        marks: Marks::default(),
        now: AtomicI64::new(0),
        typical_us: AtomicU64::new(2_000),
        left: AtomicU64::new(0),
    };
    let clients = Arc::new(clients);
    clients.run(&mut rng, false, Duration::from_millis(trial.pick(1_500, 4_000))).await?;
    fixture.expect_success();
    clients.run(&mut rng, true, Duration::from_millis(700)).await?;
    for user in 1..=USERS {
        clients.check_places(user, &mut rng).await;
    }
    clients.marks.check_stored(&fixture).await?;
    let (moves, left) = (clients.marks.moves(), clients.left.load(Ordering::Relaxed));
    if let Some(Clients { site, .. }) = Arc::into_inner(clients) {
        site.stop(&fixture).await?;
    }
    let mut outcome = fixture.finish().await?;
    outcome.acknowledged += moves;
    let opened = outcome.opened_sessions;
    let allowed = u64::from(fixture.store.limits.connections) + 2 + left * UNSETTLED_PERCENT / 100;
    if trial.cell.engine.is_sql_server() && opened > allowed {
        outcome.problem(format!(
            "{opened} sessions were opened for {left} clients that left; the limit is {allowed}"
        ));
    }
    Ok(outcome)
}

struct Clients {
    fixture: Arc<Fixture>,
    site: Site,
    marks: Marks,
    now: AtomicI64,
    /// About how long an answer takes, so that clients leave before it, on any machine.
    typical_us: AtomicU64,
    /// How many have left without their answer.
    left: AtomicU64,
}

impl Clients {
    /// Lets them ask for so long. Patient ones wait for every answer.
    async fn run(self: &Arc<Self>, rng: &mut Rng, patient: bool, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        let mut set = JoinSet::new();
        for _ in 0..CLIENTS {
            let (clients, mut rng) = (Arc::clone(self), rng.fork());
            set.spawn(async move {
                while Instant::now() < end {
                    clients.act(&mut rng, patient).await;
                }
            });
        }
        while let Some(done) = set.join_next().await {
            done?;
        }
        Ok(())
    }

    async fn act(&self, rng: &mut Rng, patient: bool) {
        let user = rng.i64(1..=USERS);
        match rng.u32(..10) {
            0..4 => self.add(user, rng, patient).await,
            4 | 5 => self.read(user, rng, patient).await,
            6 => {
                let part = ["", "?page=2", "/list", "/bell", "/counts"][rng.usize(..5)];
                let request = Request::get(format!("/{user}/feed{part}"));
                self.answer(&request, rng, patient).await;
            }
            7 => self.mark(user, rng, patient).await,
            _ if patient => sleep(Duration::from_millis(5)).await,
            _ => self.listen(user, rng).await,
        }
    }

    /// The answer, unless the client leaves before; a patient one does not, nor one of four others.
    async fn answer(&self, request: &Request, rng: &mut Rng, patient: bool) -> Option<Answer> {
        let resets = rng.bool();
        let asked = async {
            let answer = self.site.ask(request, resets).await;
            let failed = |detail| Error::new(ErrorKind::Backend, format!("{request:?}: {detail}"));
            match answer {
                Ok(answer) if answer.status == 200 => Ok(answer),
                Ok(Answer { status, body }) => Err(failed(format!("{status}: {body}"))),
                Err(error) => Err(failed(error.to_string())),
            }
        };
        let typical = self.typical_us.load(Ordering::Relaxed);
        if patient || rng.u32(..4) == 0 {
            let (bound, began) = (self.fixture.store.limits.statement * CALLS, Instant::now());
            let answer = self.fixture.call("a request", bound, asked).await;
            let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.typical_us.store((7 * typical + took.min(100_000)) / 8, Ordering::Relaxed);
            return answer;
        }
        let stays = Duration::from_micros(rng.u64(..2 * typical));
        let (by_polls, polls) = (rng.u32(..4) == 0, rng.u32(1..12));
        let answer = run_partly(Box::pin(asked), by_polls, polls, stays).await;
        let answer = answer.and_then(Result::ok);
        if answer.is_none() {
            self.fixture.abandoned_call();
            self.left.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }

    /// Adds an item; some that have left ask once more.
    async fn add(&self, user: i64, rng: &mut Rng, patient: bool) {
        let last = if rng.u32(..3) == 0 { USERS } else { user };
        let item = self.fixture.history.item(user..=last);
        let request = Request::post("/add".to_owned(), json!(item).to_string());
        let mut answer = self.answer(&request, rng, patient).await;
        if answer.is_none() && rng.bool() {
            answer = self.answer(&request, rng, patient).await;
        }
        let Some(answer) = answer else { return };
        match answer.body.parse() {
            Ok(delivered) => self.fixture.history.acknowledge(item.number, delivered),
            Err(_) => self.fixture.foreign(format!("an add was answered {:?}", answer.body)),
        }
    }

    async fn read(&self, user: i64, rng: &mut Rng, patient: bool) {
        let request = Request::get(format!("/{user}/feed/items?limit=30"));
        let Some(answer) = self.answer(&request, rng, patient).await else { return };
        let page = serde_json::from_str(&answer.body).and_then(|mut page: Value| {
            serde_json::from_value::<Vec<StreamItem>>(page["items"].take())
        });
        match page {
            Ok(page) => drop(self.fixture.check_page(user, &page)),
            Err(error) => self.fixture.foreign(format!("{error}: a page is {:?}", answer.body)),
        }
    }

    /// Reads, and so has seen, up to a place about as far as the others are.
    async fn mark(&self, user: i64, rng: &mut Rng, patient: bool) {
        let place = super::marks::place(&self.now, rng);
        let key = (place.created_at_us(), place.id().get());
        for is_read in [true, false] {
            self.marks.attempt((user, is_read), key);
        }
        let json = json!({ "up_to": place }).to_string();
        let request = Request::post(format!("/{user}/feed/read"), json);
        if self.answer(&request, rng, patient).await.is_some() {
            for is_read in [true, false] {
                self.marks.acknowledge((user, is_read), key);
            }
        }
    }

    /// Listens for a while, if there is a place, and leaves.
    async fn listen(&self, user: i64, rng: &mut Rng) {
        let time = Duration::from_millis(rng.u64(..300));
        let listening = async {
            let Ok(Ok(mut events)) = Events::open(&self.site, user, rng).await else { return };
            while let Ok(data) = events.next().await {
                match serde_json::from_str(&data) {
                    Ok(item) => drop(self.fixture.check_page(user, &[item])),
                    Err(error) => self.fixture.foreign(format!("{error}: an item is {data:?}")),
                }
            }
        };
        if timeout(time, listening).await.is_err() {
            self.fixture.abandoned_call();
        }
    }

    /// All places of those who have left are free, and no more than these.
    async fn check_places(&self, user: i64, rng: &mut Rng) {
        let deadline = Instant::now() + FREED;
        let mut open = Vec::new();
        while open.len() < PLACES {
            match Events::open(&self.site, user, rng).await {
                Ok(Ok(events)) => open.push(events),
                Ok(Err(429)) if Instant::now() < deadline => sleep(Duration::from_millis(20)).await,
                Ok(Err(status)) => {
                    let count = open.len();
                    let text = format!("user {user} has {count} streams of events, then {status}");
                    return self.fixture.problem(text);
                }
                Err(error) => return self.fixture.problem(format!("no stream of events: {error}")),
            }
        }
        if !matches!(Events::open(&self.site, user, rng).await, Ok(Err(429))) {
            self.fixture.problem(format!("user {user} has more than {PLACES} streams of events"));
        }
    }
}

//! A client process, which adds items and prints a line for each answer, copies, or subscribes.

mod copy;
mod subscribe;

use std::{
    collections::VecDeque,
    env,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex, atomic::Ordering},
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child as Process, ChildStdout, Command},
    task::JoinSet,
};
use user_streams_core::{Cursor, Recipients, maintenance::UsersCursor};

use self::copy::Copy;
pub(crate) use self::subscribe::Subscriber;
use crate::{fixture::Fixture, history::Item, mechanism, store::Store, sync::lock, trial::Trial};

/// The task of a child.
#[derive(Debug, Serialize, Deserialize)]
struct Task {
    store: Store,
    work: Work,
    without: Vec<String>,
}

/// What it does.
#[derive(Debug, Serialize, Deserialize)]
enum Work {
    Add(Adds),
    Copy(Copy),
    Subscribe(Vec<Subscriber>),
}

#[derive(Debug, Serialize, Deserialize)]
struct Adds {
    items: Vec<Item>,
    tasks: usize,
    /// Whether every task adds every item, or each item is added once.
    repeated: bool,
}

/// A line of a child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// It has connected.
    Ready,
    /// The number of the item, and of its deliveries.
    Added(u64, u64),
    /// The number of the item, and the error.
    Failed(u64, String),
    /// A copy is whole up to this place.
    CopiedTo(UsersCursor),
    /// A copy has ended, and has added so many items.
    Copied(u64),
    /// An item has come for the subscriber of this number.
    Came(usize, Cursor, String),
}

/// A running child, killed when dropped.
pub(crate) struct Child {
    process: Process,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Child {
    /// Starts it and waits until it has connected. `ignores_file_limit`: it gets errors instead of
    /// a signal when it exceeds the limit of file sizes.
    pub(crate) async fn start(
        trial: &Trial,
        fixture: &Fixture,
        items: Vec<Item>,
        tasks: usize,
        repeated: bool,
        ignores_file_limit: bool,
    ) -> Result<Self> {
        // Before it starts: answers to other callers may depend on its adds.
        for item in &items {
            (0..if repeated { tasks } else { 1 }).for_each(|_| fixture.history.begin(item.number));
        }
        let work = Work::Add(Adds { items, tasks, repeated });
        Self::spawn(trial, fixture, work, ignores_file_limit).await
    }

    /// Starts a copy from the fixture's store, from a place on, and waits until it has connected.
    pub(crate) async fn start_copy(
        trial: &Trial,
        fixture: &Fixture,
        to: &Store,
        after: Option<&UsersCursor>,
    ) -> Result<Self> {
        // It has two.
        fixture.other_pools.fetch_add(1, Ordering::Relaxed);
        let after = after.map(|place| place.as_str().to_owned());
        let work = Work::Copy(Copy { to: to.clone(), after });
        Self::spawn(trial, fixture, work, false).await
    }

    /// Starts subscribers, and waits until it has connected.
    pub(crate) async fn start_subscribers(
        trial: &Trial,
        fixture: &Fixture,
        subscribers: Vec<Subscriber>,
    ) -> Result<Self> {
        Self::spawn(trial, fixture, Work::Subscribe(subscribers), false).await
    }

    async fn spawn(
        trial: &Trial,
        fixture: &Fixture,
        work: Work,
        ignores_file_limit: bool,
    ) -> Result<Self> {
        fixture.other_pools.fetch_add(1, Ordering::Relaxed);
        let (store, without) = (fixture.store.clone(), trial.without.clone());
        let task = serde_json::to_string(&Task { store, work, without })?;
        let program = env::current_exe()?;
        let mut command = if ignores_file_limit {
            let mut command = Command::new("sh");
            command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(program);
            command
        } else {
            Command::new(program)
        };
        // In a file: the items may be longer than arguments may be.
        let file =
            trial.directory.join(format!("{}-{}.json", fixture.store.table, fastrand::u64(..)));
        std::fs::write(&file, task)?;
        command
            .arg("--child")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut process = command.spawn().context("cannot start the child")?;
        let stdout = process.stdout.take().context("the child has no output")?;
        let mut child = Self { process, lines: BufReader::new(stdout).lines() };
        match child.next().await? {
            Some(Message::Ready) => Ok(child),
            other => bail!("the child did not start: {other:?}"),
        }
    }

    pub(crate) fn id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Its next message; none after its exit.
    pub(crate) async fn next(&mut self) -> Result<Option<Message>> {
        let Some(line) = self.lines.next_line().await? else { return Ok(None) };
        if let Some(place) = line.strip_prefix("at ") {
            return Ok(Some(Message::CopiedTo(UsersCursor::new(place))));
        }
        let mut words = line.splitn(3, ' ');
        let word = words.next();
        let number = words.next().and_then(|word| word.parse::<u64>().ok());
        let rest = words.next().unwrap_or_default();
        match (word, number) {
            (Some("ready"), _) => Ok(Some(Message::Ready)),
            (Some("added"), Some(number)) => Ok(Some(Message::Added(number, rest.parse()?))),
            (Some("came"), Some(number)) => {
                let (at, content) = rest.split_once(' ').context("an item without a content")?;
                Ok(Some(Message::Came(number.try_into()?, at.parse()?, content.to_owned())))
            }
            (Some("copied"), Some(added)) => Ok(Some(Message::Copied(added))),
            (Some("failed"), Some(number)) => Ok(Some(Message::Failed(number, rest.to_owned()))),
            _ => bail!("unexpected output of the child: {line:?}"),
        }
    }

    /// Its next message, recorded in the history.
    pub(crate) async fn record(&mut self, fixture: &Fixture) -> Result<Option<Message>> {
        let message = self.next().await?;
        if let Some(Message::Added(number, delivered)) = &message {
            fixture.history.acknowledge(*number, *delivered);
        }
        Ok(message)
    }

    /// Records all messages until its exit.
    pub(crate) async fn record_all(&mut self, fixture: &Fixture) -> Result<()> {
        while let Some(message) = self.record(fixture).await? {
            if let Message::Failed(number, error) = message {
                fixture.problem(format!("the add of item #{number} by a process failed: {error}"));
                lock(&fixture.outcome).late_failures += 1;
            }
        }
        Ok(())
    }

    /// Kills it.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        Ok(self.process.kill().await?)
    }
}

/// Runs the child.
pub(crate) async fn run(file: &Path) -> Result<()> {
    let task: Task = serde_json::from_slice(&std::fs::read(file)?)?;
    mechanism::disable(&task.without)?;
    match task.work {
        Work::Add(adds) => add(&task.store, adds).await,
        Work::Copy(copy) => copy::run(&task.store, copy).await,
        Work::Subscribe(subscribers) => subscribe::run(&task.store, subscribers).await,
    }
}

/// Adds items.
async fn add(store: &Store, Adds { items, tasks, repeated }: Adds) -> Result<()> {
    let streams = store.streams().await?;
    println!("ready");
    let queue = Arc::new(Mutex::new(VecDeque::from(items)));
    let mut set = JoinSet::new();
    for _ in 0..tasks {
        let (streams, store) = (streams.clone(), store.clone());
        let own = repeated.then(|| lock(&queue).clone());
        let queue = own.map_or_else(|| Arc::clone(&queue), |own| Arc::new(Mutex::new(own)));
        set.spawn(async move {
            loop {
                let Some(item) = lock(&queue).pop_front() else { break };
                let users = {
                    let store = store.clone();
                    Recipients::iter(item.users().map(move |user| store.user_id(user)))
                };
                match streams.add_stream_item(users, item.new_item()).await {
                    Ok(delivery) => println!("added {} {}", item.number, delivery.delivered),
                    Err(error) => println!("failed {} {:?}: {error}", item.number, error.kind()),
                }
            }
        });
    }
    while let Some(task) = set.join_next().await {
        task?;
    }
    Ok(streams.close().await?)
}

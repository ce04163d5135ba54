//! A client that is a process of its own: it adds items, and tells each answer on a line.

use std::{
    collections::VecDeque,
    env,
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
use user_streams_core::Recipients;

use crate::{
    ledger::{Item, lock},
    mechanism,
    place::Place,
    stage::Stage,
    trial::Trial,
};

/// What a child does.
#[derive(Debug, Serialize, Deserialize)]
struct Work {
    place: Place,
    items: Vec<Item>,
    tasks: usize,
    /// Whether every task adds every item, or each item is added by one.
    all: bool,
    without: Vec<String>,
}

/// What a child tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Ready,
    Added(u64, u64),
    Failed(u64, String),
}

/// A running child, killed when dropped.
pub(crate) struct Child {
    process: Process,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Child {
    /// Starts it and waits until it has connected. `limited`: it gets errors, not signals, at a
    /// limit of file sizes.
    pub(crate) async fn start(
        trial: &Trial,
        stage: &Stage,
        items: Vec<Item>,
        tasks: usize,
        all: bool,
        limited: bool,
    ) -> Result<Self> {
        // Before it adds any: what others are answered may come of its adds.
        for item in &items {
            (0..if all { tasks } else { 1 }).for_each(|_| stage.ledger.begin(item.number));
        }
        stage.other_pools.fetch_add(1, Ordering::Relaxed);
        let (place, without) = (stage.place.clone(), trial.without.clone());
        let work = serde_json::to_string(&Work { place, items, tasks, all, without })?;
        let program = env::current_exe()?;
        let mut command = if limited {
            let mut command = Command::new("sh");
            command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(program);
            command
        } else {
            Command::new(program)
        };
        // Over the pipe: a list of items may be longer than arguments may be.
        let file =
            trial.directory.join(format!("{}-{}.json", stage.place.table, fastrand::u64(..)));
        std::fs::write(&file, work)?;
        command
            .arg("--child")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut process = command.spawn().context("cannot run the child")?;
        let stdout = process.stdout.take().context("the child's output")?;
        let mut child = Self { process, lines: BufReader::new(stdout).lines() };
        match child.next().await? {
            Some(Told::Ready) => Ok(child),
            other => bail!("the child did not start: {other:?}"),
        }
    }

    pub(crate) fn id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Its next line; none at its end.
    pub(crate) async fn next(&mut self) -> Result<Option<Told>> {
        let Some(line) = self.lines.next_line().await? else { return Ok(None) };
        let mut words = line.splitn(3, ' ');
        let word = words.next();
        let number = words.next().and_then(|word| word.parse().ok());
        let rest = words.next().unwrap_or_default();
        match (word, number) {
            (Some("ready"), _) => Ok(Some(Told::Ready)),
            (Some("added"), Some(number)) => Ok(Some(Told::Added(number, rest.parse()?))),
            (Some("failed"), Some(number)) => Ok(Some(Told::Failed(number, rest.to_owned()))),
            _ => bail!("the child says {line:?}"),
        }
    }

    /// Its next line, noted in the ledger.
    pub(crate) async fn note(&mut self, stage: &Stage) -> Result<Option<Told>> {
        let told = self.next().await?;
        if let Some(Told::Added(number, delivered)) = &told {
            stage.ledger.acknowledge(*number, *delivered);
        }
        Ok(told)
    }

    /// Notes all that it tells until its end.
    pub(crate) async fn note_all(&mut self, stage: &Stage) -> Result<()> {
        while let Some(told) = self.note(stage).await? {
            if let Told::Failed(number, error) = told {
                stage.problem(format!("the add of item #{number} by a process failed: {error}"));
                lock(&stage.tally).late += 1;
            }
        }
        Ok(())
    }

    /// Kills it outright.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        Ok(self.process.kill().await?)
    }
}

/// The child's own side.
pub(crate) async fn run(file: &str) -> Result<()> {
    let work: Work = serde_json::from_slice(&std::fs::read(file)?)?;
    mechanism::take_out(&work.without)?;
    let Work { place, items, tasks, all, .. } = work;
    let streams = place.streams().await?;
    println!("ready");
    let queue = Arc::new(Mutex::new(VecDeque::from(items)));
    let mut set = JoinSet::new();
    for _ in 0..tasks {
        let (streams, place) = (streams.clone(), place.clone());
        let own = all.then(|| lock(&queue).clone());
        let queue = own.map_or_else(|| Arc::clone(&queue), |own| Arc::new(Mutex::new(own)));
        set.spawn(async move {
            loop {
                let Some(item) = lock(&queue).pop_front() else { break };
                let users = {
                    let place = place.clone();
                    Recipients::iter(item.users().map(move |user| place.user_id(user)))
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

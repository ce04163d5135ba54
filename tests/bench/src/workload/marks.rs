//! W10: how many items are unread, up to 99, and marking them read.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use user_streams_test_servers::harness::Engine;

use crate::{
    bench::Bench,
    fill::{self, READER},
    measure,
    program::{PAGE, Program, timestamp_and_id},
    report::Row,
};

/// For a badge that ends with `99+`.
const LIMIT: usize = 100;
/// For the program on the same driver.
const TARGET: Option<f64> = Some(0.9);
const USERS: i64 = 1_000;
/// A place before every item.
const OLDEST: (i64, i64) = (1_600_000_000_000_000, 1);

pub(crate) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = unread(bench).await?;
    rows.extend(mark_read(bench).await?);
    Ok(rows)
}

#[derive(Clone)]
enum Read {
    Unread(Arc<dyn Program>, i64),
    Page(Arc<dyn Program>),
}

impl Read {
    async fn run(&self) -> Result<()> {
        match self {
            Self::Unread(program, user) => {
                let unread = program.unread(*user, LIMIT).await?;
                ensure!(unread == LIMIT, "{}: {unread} are unread", program.name());
            }
            Self::Page(program) => {
                let length = program.page(READER, 0).await?;
                ensure!(length == PAGE, "{}: a page of {length}", program.name());
            }
        }
        Ok(())
    }
}

async fn unread(bench: &Bench) -> Result<Vec<Row>> {
    let (items, width) = (10_000, bench.pick(20, 100));
    let duration = Duration::from_millis(bench.pick(400, 700));
    let store = bench.create_store("unread").await?;
    bench.status("W10: filling");
    fill::feed(&store, items, width).await?;
    fill::marks(&store, (width - 1) * 100 + 1, OLDEST).await?;
    let programs = Bench::on_one_store(&store).await?;
    let unread =
        |it: &Arc<dyn Program>| (it.name().to_owned(), Read::Unread(Arc::clone(it), READER));
    let mut cases: Vec<_> = programs.iter().map(unread).collect();
    // Everybody else has every hundredth item.
    let other = READER + 1;
    cases.push(("100 unread".to_owned(), Read::Unread(Arc::clone(&programs[0]), other)));
    cases.push(("first page".to_owned(), Read::Page(Arc::clone(&programs[0]))));
    let in_pages = match bench.cell.engine {
        Engine::Sqlite | Engine::Postgres => 0.9,
        Engine::Mysql => 0.4,
        Engine::Redis | Engine::RedisCluster => 0.85,
    };
    let mut rows = Vec::new();
    for (readers, shown) in [(1, "1 reader"), (32, "32 readers")] {
        bench.status(&format!("W10: unread, {shown}"));
        let series = measure::alternate_cases(&bench.bar, &cases, Bench::ROUNDS, |read| {
            measure::rate(readers, duration, move || {
                let read = read.clone();
                async move { read.run().await }
            })
        });
        let mut series = series.await?;
        let (page, few) = (series.pop(), series.pop());
        let compared = |other: Option<_>| series.iter().take(1).cloned().chain(other).collect();
        let case = |name: &str| format!("99+ of 10k unread{name}, {shown}");
        let rate = "counts/s";
        rows.extend([
            Row::of_cases(case(" compared with 100"), rate, compared(few))
                .with_targets(&[Some(1.0 / 1.5)]),
            Row::of_cases(case(" compared with a page"), rate, compared(page))
                .with_targets(&[Some(in_pages)]),
            Row::new(case(""), rate, series).with_targets(&[TARGET]),
        ]);
    }
    drop((cases, programs));
    bench.remove(&[store]).await?;
    Ok(rows)
}

#[derive(Clone)]
enum Write {
    /// Marks up to now.
    Moves(Arc<dyn Program>),
    /// Marks up to where the marks have passed.
    Stays(Arc<dyn Program>),
    Add(Arc<dyn Program>, Arc<str>),
}

impl Write {
    async fn run(&self) -> Result<()> {
        let user = fastrand::i64(1..=USERS);
        match self {
            Self::Moves(program) => program.mark_read(user, timestamp_and_id()).await,
            Self::Stays(program) => program.mark_read(user, OLDEST).await,
            Self::Add(program, content) => program.add(user, content).await,
        }
    }
}

async fn mark_read(bench: &Bench) -> Result<Vec<Row>> {
    let duration = Duration::from_millis(bench.pick(400, 700));
    let (stores, programs) = bench.on_separate_stores("mark", false).await?;
    for store in &stores {
        fill::marks(store, USERS, OLDEST).await?;
    }
    let cases = |write: &dyn Fn(Arc<dyn Program>) -> Write| -> Vec<_> {
        programs.iter().map(|it| (it.name().to_owned(), write(Arc::clone(it)))).collect()
    };
    let moves = cases(&Write::Moves);
    let mut stays = cases(&Write::Stays);
    let add = Write::Add(Arc::clone(&programs[0]), fill::content(100).into());
    stays.push(("an add".to_owned(), add));
    let mut rows = Vec::new();
    for (tasks, shown) in [(1, "1 task"), (32, "32 tasks")] {
        let measure = |cases: Vec<_>| async move {
            bench.status(&format!("W10: mark read, {shown}"));
            measure::alternate_cases(&bench.bar, &cases, Bench::ROUNDS, |write: Write| {
                measure::rate(tasks, duration, move || {
                    let write = write.clone();
                    async move { write.run().await }
                })
            })
            .await
        };
        let series = measure(moves.clone()).await?;
        rows.push(
            Row::new(format!("mark read, {shown}"), "marks/s", series).with_targets(&[TARGET]),
        );
        let mut series = measure(stays.clone()).await?;
        let add = series.pop();
        let compared = series.iter().take(1).cloned().chain(add).collect();
        let case = format!("mark where it is, {shown}");
        rows.push(Row::new(case, "marks/s", series));
        let case = format!("mark where it is compared with an add, {shown}");
        rows.push(Row::of_cases(case, "marks/s", compared).with_targets(&[Some(2.0)]));
    }
    drop((moves, stays, programs));
    bench.remove(&stores).await?;
    Ok(rows)
}

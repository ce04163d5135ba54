//! Streams are deleted, and items that nobody has, beside adds.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use tokio::{task::JoinSet, time::sleep};

use super::{Fault, everywhere};
use crate::{
    cell::Layout,
    load::Load,
    stage::{Options, Stage},
    tally::Tally,
    trial::Trial,
};

pub(super) const FAULT: Fault = Fault {
    name: "delete",
    about: "streams are deleted and items that nobody has are purged, beside adds to the same \
        users and to others",
    runs_on: everywhere,
    short: 1,
    long: 6,
    alone: false,
    weight: 1,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Tally> {
    let mut rng = trial.rng();
    let stage = Stage::open(&trial, Options::default()).await?;
    stage.ledger.set_volatile(500..=505);
    let watching = stage.watch();
    stage.expect_success();
    let load = Load::start(&stage, &mut rng, 6);
    let stop = Arc::new(AtomicBool::new(false));
    let mut set = JoinSet::new();
    let bound = stage.place.limits.statement;
    for task in 0..9 {
        let (stage, stop, mut rng) = (Arc::clone(&stage), Arc::clone(&stop), rng.fork());
        let purges = trial.cell.layout == Layout::ManyToMany && task == 0;
        set.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                match task {
                    0 if purges => _ = stage.call("a purge", bound, stage.streams.purge()).await,
                    0..3 => {
                        let user = stage.place.user_id(rng.i64(500..=505));
                        _ = stage.call("a delete", bound, stage.streams.delete_stream(user)).await;
                    }
                    _ => {
                        // For some whose streams stay, too.
                        let item = stage.ledger.item(rng.i64(480..=505)..=505);
                        _ = stage.add(&item).await;
                    }
                }
                sleep(Duration::from_millis(rng.u64(2..15))).await;
            }
        });
    }
    sleep(Duration::from_secs(trial.pick(2, 5))).await;
    stop.store(true, Ordering::Relaxed);
    while let Some(done) = set.join_next().await {
        done?;
    }
    load.stop().await;
    let tally = stage.finish().await?;
    watching.await?;
    Ok(tally)
}

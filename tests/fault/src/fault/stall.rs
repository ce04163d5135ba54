//! Bytes are held in both directions.

use std::{sync::atomic::Ordering, time::Duration};

use anyhow::Result;
use tokio::time::sleep;

use super::{Fault, has_proxy};
use crate::{
    load::Load,
    proxy::Fate,
    stage::{Limits, Options, Stage},
    tally::Tally,
    trial::Trial,
};

pub(super) const FAULT: Fault = Fault {
    name: "stall",
    about: "bytes are held in both directions, for a while or for ever; the client's close reaches \
        the server, or does not",
    runs_on: has_proxy,
    short: 4,
    long: 80,
    alone: false,
    weight: 1,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Tally> {
    let mut rng = trial.rng();
    let variant = trial.variant(4);
    let statement = Duration::from_millis(if variant == 0 { 3_000 } else { 1_000 });
    let connect = Duration::from_millis(900);
    let limits = Limits { statement, connect, ..Limits::default() };
    let stage = Stage::open(&trial, Options { limits, ..Options::default() }).await?;
    let watching = stage.watch();
    let load = Load::start(&stage, &mut rng, 16);
    sleep(Trial::between(&mut rng, 200, 500)).await;
    let proxy = stage.proxy()?;
    match variant {
        // Everything, for less than a call may take.
        0 => {
            proxy.set(Fate::Stalled { closes: true });
            proxy.set_new(Fate::Stalled { closes: true });
            sleep(Trial::between(&mut rng, 200, 700)).await;
            proxy.heal();
        }
        // The connections that are there, for ever.
        1 | 2 => {
            if variant == 2 {
                stage.other_pools.fetch_add(1, Ordering::Relaxed);
            }
            proxy.set(Fate::Stalled { closes: variant == 1 });
            sleep(statement).await;
        }
        // Everything, for longer than a call may take.
        _ => {
            proxy.set(Fate::Stalled { closes: true });
            proxy.set_new(Fate::Stalled { closes: true });
            sleep(Trial::between(&mut rng, 1_500, trial.pick(2_500, 6_000))).await;
            proxy.heal();
        }
    }
    stage.recovered();
    stage.wait_for_recovery().await;
    load.stop().await;
    let tally = stage.finish().await?;
    watching.await?;
    Ok(tally)
}

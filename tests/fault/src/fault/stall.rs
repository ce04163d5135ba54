//! Bytes are held back in both directions.

use std::{sync::atomic::Ordering, time::Duration};

use anyhow::Result;
use tokio::time::sleep;

use super::{Fault, has_proxy};
use crate::{
    fixture::{Fixture, Options},
    load::Load,
    outcome::Outcome,
    proxy::Mode,
    store::Limits,
    trial::Trial,
};

pub(super) const FAULT: Fault = Fault {
    name: "stall",
    about: "bytes are held back in both directions, for a while or forever; the client's close \
        reaches the server or not",
    runs_on: has_proxy,
    short: 4,
    long: 80,
    exclusive: false,
    weight: 1,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Outcome> {
    let mut rng = trial.rng();
    let variant = trial.variant(4);
    let statement = Duration::from_millis(if variant == 0 { 3_000 } else { 1_000 });
    let connect = Duration::from_millis(900);
    let limits = Limits { statement, connect, ..Limits::default() };
    let fixture = Fixture::open(&trial, Options { limits, ..Options::default() }).await?;
    fixture.watch_sessions();
    let load = Load::start(&fixture, &mut rng, 16);
    sleep(Trial::between(&mut rng, 200, 500)).await;
    let proxy = fixture.proxy()?;
    match variant {
        // All connections, for less than the bound of a call.
        0 => {
            proxy.set(Mode::Stall { forwards_close: true });
            proxy.set_new(Mode::Stall { forwards_close: true });
            sleep(Trial::between(&mut rng, 200, 700)).await;
            proxy.heal();
        }
        // The open connections, forever.
        1 | 2 => {
            if variant == 2 {
                fixture.other_pools.fetch_add(1, Ordering::Relaxed);
            }
            proxy.set(Mode::Stall { forwards_close: variant == 1 });
            sleep(statement).await;
        }
        // All connections, for longer than the bound of a call.
        _ => {
            proxy.set(Mode::Stall { forwards_close: true });
            proxy.set_new(Mode::Stall { forwards_close: true });
            sleep(Trial::between(&mut rng, 1_500, trial.pick(2_500, 6_000))).await;
            proxy.heal();
        }
    }
    fixture.recovered();
    fixture.wait_for_recovery().await;
    load.stop().await;
    fixture.finish().await
}

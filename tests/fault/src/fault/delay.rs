//! Each packet is delayed.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use super::{Fault, has_proxy};
use crate::{
    fixture::{Fixture, Options},
    load::Load,
    outcome::Outcome,
    store::Limits,
    trial::Trial,
};

pub(super) const FAULT: Fault = Fault {
    name: "delay",
    about: "each packet is delayed: a little, so that no call fails, or so much that a call's \
        statements together exceed its bound",
    runs_on: has_proxy,
    short: 2,
    long: 10,
    exclusive: false,
    weight: 1,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Outcome> {
    let mut rng = trial.rng();
    let is_short = trial.variant(2) == 0;
    let (statement, connect) = if is_short { (4_000, 3_000) } else { (1_000, 950) };
    let (statement, connect) = (Duration::from_millis(statement), Duration::from_millis(connect));
    let limits = Limits { statement, connect, ..Limits::default() };
    let fixture = Fixture::open(&trial, Options { limits, ..Options::default() }).await?;
    fixture.watch_sessions();
    let load = Load::start(&fixture, &mut rng, 16);
    sleep(Duration::from_millis(300)).await;
    let proxy = fixture.proxy()?;
    if is_short {
        fixture.expect_success();
        proxy.set_delay(Trial::between(&mut rng, 5, 30));
        sleep(Duration::from_secs(2)).await;
        proxy.heal();
    } else {
        proxy.set_delay(Trial::between(&mut rng, 320, 420));
        sleep(Duration::from_secs(3)).await;
        proxy.heal();
        fixture.recovered();
        fixture.wait_for_recovery().await;
    }
    load.stop().await;
    fixture.finish().await
}

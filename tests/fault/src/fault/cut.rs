//! Connections are closed, with a TCP reset or without.

use anyhow::Result;
use tokio::time::sleep;

use super::{Fault, has_proxy};
use crate::{
    fixture::{Fixture, Options},
    load::Load,
    outcome::Outcome,
    proxy::Mode,
    trial::Trial,
};

pub(super) const FAULT: Fault = Fault {
    name: "cut",
    about: "connections are closed at any moment",
    runs_on: has_proxy,
    short: 2,
    long: 20,
    exclusive: false,
    weight: 1,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Outcome> {
    let mut rng = trial.rng();
    let fixture = Fixture::open(&trial, Options::on_either_pool(&trial)).await?;
    fixture.watch_sessions();
    let load = Load::start(&fixture, &mut rng, 16);
    for _ in 0..rng.u32(5..25) {
        sleep(Trial::between(&mut rng, 10, 120)).await;
        let reset = rng.bool();
        fixture.proxy()?.set_some(Mode::Close { reset }, || rng.bool());
    }
    fixture.recovered();
    fixture.wait_for_recovery().await;
    load.stop().await;
    fixture.finish().await
}

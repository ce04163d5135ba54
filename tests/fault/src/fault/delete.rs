//! Streams are deleted and orphaned items are purged, while other tasks add.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use tokio::{task::JoinSet, time::sleep};
use user_streams_test_servers::harness::Layout;

use super::{Fault, everywhere};
use crate::{
    fixture::{Fixture, Options},
    load::Load,
    outcome::Outcome,
    trial::Trial,
};

pub(super) const FAULT: Fault = Fault {
    name: "delete",
    about: "streams are deleted and orphaned items are purged, while other tasks add to the \
        same users and to others",
    runs_on: everywhere,
    short: 1,
    long: 6,
    exclusive: false,
    weight: 1,
    run: |trial| Box::pin(run(trial)),
};

async fn run(trial: Trial) -> Result<Outcome> {
    let mut rng = trial.rng();
    let fixture = Fixture::open(&trial, Options::default()).await?;
    fixture.history.set_deleted_users(500..=505);
    fixture.watch_sessions();
    fixture.expect_success();
    let load = Load::start(&fixture, &mut rng, 6);
    let stop = Arc::new(AtomicBool::new(false));
    let mut set = JoinSet::new();
    let bound = fixture.store.limits.statement;
    for task in 0..9 {
        let (fixture, stop, mut rng) = (Arc::clone(&fixture), Arc::clone(&stop), rng.fork());
        let purges = trial.cell.layout == Layout::ManyToMany && task == 0;
        set.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                match task {
                    0 if purges => {
                        _ = fixture.call("a purge", bound, fixture.streams.purge()).await;
                    }
                    0..3 => {
                        let user = fixture.store.user_id(rng.i64(500..=505));
                        _ = fixture
                            .call("a delete", bound, fixture.streams.delete_stream(user))
                            .await;
                    }
                    _ => {
                        // Also for users whose streams are not deleted.
                        let item = fixture.history.item(rng.i64(480..=505)..=505);
                        _ = fixture.add(&item).await;
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
    fixture.finish().await
}

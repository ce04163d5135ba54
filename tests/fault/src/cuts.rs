//! Background fault: connections are closed until it is stopped, where a proxy can close them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fastrand::Rng;
use tokio::{task::JoinHandle, time::sleep};

use crate::{fixture::Fixture, proxy::Mode};

/// The running cuts.
pub(crate) struct Cuts {
    fixture: Arc<Fixture>,
    stop: Arc<AtomicBool>,
    /// None where there is no proxy.
    task: Option<JoinHandle<()>>,
}

impl Cuts {
    /// Begins to close connections. Without a proxy, no call that is awaited may fail from now on.
    pub(crate) fn start(fixture: &Arc<Fixture>, rng: &mut Rng) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let task = fixture.proxy().is_ok().then(|| {
            let (fixture, stop, mut rng) = (Arc::clone(fixture), Arc::clone(&stop), rng.fork());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    sleep(Duration::from_millis(rng.u64(10..80))).await;
                    let reset = rng.bool();
                    if let Ok(proxy) = fixture.proxy() {
                        proxy.set_some(Mode::Close { reset }, || rng.bool());
                    }
                }
            })
        });
        if task.is_none() {
            fixture.expect_success();
        }
        Self { fixture: Arc::clone(fixture), stop, task }
    }

    /// Ends it, and waits until no call may fail any more.
    pub(crate) async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        let Some(task) = self.task else { return };
        if task.await.is_err() {
            self.fixture.problem("the task that cuts connections failed");
        }
        self.fixture.recovered();
        self.fixture.wait_for_recovery().await;
    }
}

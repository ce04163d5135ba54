//! A load of adds, to one user at a time and now and then to everyone, whose content says when they
//! were sent.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::Result;
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};
use user_streams_core::{Streams, everyone};

use crate::fill;

/// How often one user is sent something; everyone is so once a second.
pub(super) const ADDS_A_SECOND: u64 = 100;

/// Adds to random users from 1 to `users`, and to everyone.
pub(super) async fn add_for(adder: &Streams, users: usize, duration: Duration) -> Result<()> {
    let mut ticks = interval(Duration::from_millis(1_000 / ADDS_A_SECOND));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut adding = JoinSet::new();
    for tick in 0..duration.as_secs() * ADDS_A_SECOND {
        ticks.tick().await;
        let adder = adder.clone();
        adding.spawn(async move {
            let user = fastrand::usize(1..=users);
            adder.add_stream_item(i64::try_from(user)?, content()).await?;
            if tick % ADDS_A_SECOND == 0 {
                adder.add_stream_item(everyone(), content()).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(added) = adding.join_next().await {
        added??;
    }
    Ok(())
}

/// The milliseconds of the clock, which all processes of a machine share, and some text.
pub(super) fn content() -> String {
    format!("{:.3} {}", now_ms(), fill::content(80))
}

fn now_ms() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_secs_f64() * 1_000.0
}

/// How late items came, in milliseconds, from before the add.
#[derive(Default)]
pub(super) struct Delays(Mutex<Vec<f64>>);

impl Delays {
    /// Notes that an item of this content has come just now.
    pub(super) fn note(&self, content: &str) {
        let now = now_ms();
        let sent = content.split(' ').next().and_then(|sent| sent.parse::<f64>().ok());
        if let Some(sent) = sent {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(now - sent);
        }
    }

    /// All so far, from the shortest to the longest.
    pub(super) fn take(&self) -> Vec<f64> {
        let mut delays = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut delays = std::mem::take(&mut *delays);
        delays.sort_by(f64::total_cmp);
        delays
    }
}

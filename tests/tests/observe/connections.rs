//! The metrics of connections.

use std::{sync::Arc, time::Duration};

use tokio::time::{sleep, timeout};
use user_streams_core::UserIdKind;

use crate::{metrics, stores::Store};

/// The numbers of the connections of all pools.
#[derive(Debug, Default, PartialEq)]
struct Numbers {
    idle: f64,
    used: f64,
    waiting: f64,
    opened: f64,
    closed: f64,
    active: f64,
}

impl Numbers {
    fn now() -> Self {
        let mut numbers = Self::default();
        for ((name, labels), measured) in metrics::all() {
            let state = labels.get("db.client.connection.state").map(String::as_str);
            let number = match (name.as_str(), state) {
                ("db.client.connection.count", Some("idle")) => &mut numbers.idle,
                ("db.client.connection.count", Some("used")) => &mut numbers.used,
                ("db.client.connection.pending_requests", None) => &mut numbers.waiting,
                ("user_streams.connections.opened", None) => &mut numbers.opened,
                ("user_streams.connections.closed", None) => &mut numbers.closed,
                ("user_streams.active_calls", None) => &mut numbers.active,
                _ => continue,
            };
            *number += measured.value;
        }
        numbers
    }

    fn is_consistent(&self) -> bool {
        self.idle >= 0.0 && self.used >= 0.0 && self.opened - self.closed == self.idle + self.used
    }

    /// Waits until the numbers are so.
    async fn eventually(what: &str, are_so: impl Fn(&Self) -> bool) -> Self {
        for _ in 0..500 {
            let numbers = Self::now();
            if are_so(&numbers) {
                return numbers;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("{what}: {:?}", Self::now());
    }
}

pub(crate) async fn after_dropped_calls_no_connection_is_in_use(store: Store) {
    let directory = tempfile::tempdir().unwrap();
    let streams = Arc::new(store.connect(UserIdKind::BigInt, &directory, "drops").await);
    let mut calls = Vec::new();
    for n in 0..1_000_u64 {
        let streams = Arc::clone(&streams);
        calls.push(tokio::spawn(async move {
            // Before it has a connection, in the middle, or near its end; some are not dropped.
            let is_patient = n % 20 == 0;
            let limit =
                Duration::from_micros(if is_patient { 20_000_000 } else { n * 37 % 20_000 });
            let user = (n % 50) as i64;
            drop(
                timeout(limit, async {
                    match n % 3 {
                        0 => drop(streams.get_stream_items(user).slice(..20).await),
                        1 => drop(streams.add_stream_item([user, user + 1], "an item").await),
                        _ => drop(streams.add_stream_item(user, "an item").await),
                    }
                })
                .await,
            );
        }));
    }
    for call in calls {
        call.await.unwrap();
    }
    let ended = metrics::all().into_iter().filter(|((name, labels), _)| {
        name == "db.client.operation.duration"
            && labels.get("error.type").is_none_or(|error| error == "dropped")
    });
    let ended: usize = ended.map(|(_, measured)| measured.count).sum();
    assert_eq!(ended, if store.name == "memory" { 1_000 } else { 1_001 }, "with migrate");
    // By the call 20, which was patient.
    assert_ne!(streams.get_stream_items(20).count().await.unwrap(), 0);
    // A dropped call's statement may go on for 250 ms.
    let settled = Numbers::eventually("settled", |numbers| {
        numbers.waiting == 0.0
            && numbers.active == 0.0
            && numbers.is_consistent()
            && (!store.has_pool() || numbers.used == 0.0)
    })
    .await;
    assert_eq!(settled.opened > 0.0, store.name != "memory", "{settled:?}");
    if store.has_pool() {
        assert!(settled.idle >= 1.0, "{settled:?}");
    }
    streams.close().await.unwrap();
    Numbers::eventually("closed", |numbers| {
        numbers.is_consistent() && numbers.opened == numbers.closed && numbers.used == 0.0
    })
    .await;
}

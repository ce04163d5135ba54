//! A backend with a fault, and the suite over it.

use std::sync::Arc;

use user_streams_core::{
    Error, Settings, UserIdKind,
    backend::{Backend, BackendDriver},
};
use user_streams_testkit::Suite;

use super::{
    store::Store,
    twist::Twist,
    wrong::{Wrong, WrongBackend},
};

/// Makes a connection to a store, each time it is called.
pub(crate) type Connect = Box<dyn Fn() -> Arc<dyn Backend> + Send + Sync>;

const KINDS: [UserIdKind; 3] = [UserIdKind::BigInt, UserIdKind::Uuid, UserIdKind::Text];

/// A backend that breaks a promise, and the cases that must notice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    /// What the backend does.
    pub(crate) name: &'static str,
    pub(crate) broken: Broken,
    /// The cases that are there to catch it; more may.
    pub(crate) caught_by: &'static [&'static str],
}

/// What makes the faulty backend.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Broken {
    /// A store that does something differently.
    Store(Twist),
    /// What connects to a store for user ids of a kind.
    Connect(fn(UserIdKind) -> Connect),
    /// The memory backend with an optional operation that is wrong.
    Wrong(Wrong),
    Driver(&'static BackendDriver),
}

impl Fault {
    pub(crate) fn suite(&self) -> Suite {
        match self.broken {
            Broken::Store(twist) => suite_of(move |kind| connections(Store::new(kind, twist))),
            Broken::Connect(connect) => suite_of(connect),
            Broken::Wrong(wrong) => suite_of(move |kind| {
                let backend = WrongBackend::new(kind, wrong);
                Box::new(move || Arc::new(backend.connect()))
            }),
            Broken::Driver(driver) => Suite::for_driver(driver, |kind, store| {
                let url = format!("{}://{kind}_{store}", driver.schemes()[0]);
                Settings::new(url).with_option("user_id", kind.as_str())
            }),
        }
    }
}

/// Every connection leads to this store.
pub(crate) fn connections(store: Store) -> Connect {
    Box::new(move || Arc::new(store.clone()))
}

/// The suite over what connects to a store for each kind of user ids.
pub(crate) fn suite_of(connect: impl Fn(UserIdKind) -> Connect) -> Suite {
    let stores = KINDS.map(connect);
    Suite::new("broken", move |kind| {
        let at = KINDS.iter().position(|known| *known == kind).unwrap_or_default();
        let connection = stores[at]();
        async move { Ok::<_, Error>(connection) }
    })
}

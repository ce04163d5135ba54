//! Drivers that are not what their backend says, or pass over what is wrong.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use serde_json::Value;
use user_streams_core::{
    Error, ErrorKind, MemoryConfig, UserIdKind,
    backend::{BackendDriver, ConnectArgs, ConnectFuture},
};

use super::super::{Broken, Fault, HONEST as HONEST_STORE, Store};

/// Without a fault.
pub(crate) static HONEST: BackendDriver = BackendDriver::new("broken", &["broken"], connect);
static NAMED_OTHERWISE: BackendDriver = BackendDriver::new("other", &["broken"], connect);
static CAPITALIZED: BackendDriver = BackendDriver::new("broken", &["Broken"], connect);
static REFUSING: BackendDriver = BackendDriver::new("broken", &["broken"], refuse);
static LENIENT: BackendDriver = BackendDriver::new("broken", &["broken"], connect_leniently);
static UNMIGRATED: BackendDriver = BackendDriver::new("broken", &["broken"], connect_unmigrated);
static CREATING: BackendDriver = BackendDriver::new("broken", &["broken"], connect_and_create);

const fn driver(
    name: &'static str,
    driver: &'static BackendDriver,
    caught_by: &'static [&'static str],
) -> Fault {
    Fault { name, broken: Broken::Driver(driver), caught_by }
}

pub(crate) const FAULTS: &[Fault] = &[
    driver(
        "a driver has another name than its backend",
        &NAMED_OTHERWISE,
        &["driver::its_name_is_that_of_its_backend"],
    ),
    driver(
        "a driver has a scheme that no URL has",
        &CAPITALIZED,
        &["driver::its_schemes_are_those_of_urls"],
    ),
    driver(
        "a driver refuses the URLs of its scheme",
        &REFUSING,
        &["driver::a_url_of_its_scheme_connects"],
    ),
    driver(
        "a driver passes over options that it does not know",
        &LENIENT,
        &["driver::an_unknown_option_is_refused_by_name"],
    ),
    driver(
        "before migrate the errors are those of the storage",
        &UNMIGRATED,
        &["driver::before_migrate_every_operation_says_to_migrate"],
    ),
    driver(
        "connecting again creates what migrate ought to",
        &CREATING,
        &["driver::before_migrate_every_operation_says_to_migrate"],
    ),
];

/// The store at each URL that was connected to, and how many times it was.
static STORES: LazyLock<Mutex<HashMap<String, (Store, usize)>>> = LazyLock::new(Mutex::default);

fn open(url: &str, kind: UserIdKind) -> (Store, usize) {
    let mut stores = STORES.lock().unwrap_or_else(PoisonError::into_inner);
    let new = || (Store::new(kind, HONEST_STORE), 0);
    let store = stores.entry(url.to_owned()).or_insert_with(new);
    store.1 += 1;
    store.clone()
}

fn connect(args: ConnectArgs) -> ConnectFuture {
    Box::pin(async move {
        let config: MemoryConfig = args.options.parse()?;
        Ok(Arc::new(open(&args.url, config.user_id).0) as _)
    })
}

fn refuse(_: ConnectArgs) -> ConnectFuture {
    Box::pin(async { Err(Error::new(ErrorKind::InvalidSettings, "expected another URL")) })
}

fn connect_leniently(args: ConnectArgs) -> ConnectFuture {
    Box::pin(async move {
        let options: HashMap<String, Value> = args.options.parse()?;
        let kind = options.get("user_id").cloned().unwrap_or_default();
        let kind = serde_json::from_value(kind).unwrap_or_default();
        Ok(Arc::new(open(&args.url, kind).0) as _)
    })
}

fn connect_unmigrated(args: ConnectArgs) -> ConnectFuture {
    unmigrated(args, ErrorKind::Backend, |_| false)
}

fn connect_and_create(args: ConnectArgs) -> ConnectFuture {
    unmigrated(args, ErrorKind::NotMigrated, |times| times > 1)
}

fn unmigrated(
    args: ConnectArgs,
    error: ErrorKind,
    is_migrated: fn(usize) -> bool,
) -> ConnectFuture {
    Box::pin(async move {
        let config: MemoryConfig = args.options.parse()?;
        let (store, times) = open(&args.url, config.user_id);
        Ok(Arc::new(store.failing((!is_migrated(times)).then_some(error))) as _)
    })
}

//! Drivers that are not what their backend says, or pass over what is wrong.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::Value;
use user_streams_core::{
    Delivery, Error, ErrorKind, MemoryConfig, Result, StreamItem, UserIdKind,
    backend::{
        AddStreamItem, BackendDriver, ConnectArgs, ConnectFuture, CountQuery, DeleteStream,
        StreamQuery, async_trait,
    },
};

use super::{
    super::{
        honest::honest,
        twist::{Twist, twisted},
    },
    Broken, Fault, Store,
};

/// Without a fault.
pub(crate) static HONEST: BackendDriver = BackendDriver::new("memory", &["broken"], connect);
static NAMED_OTHERWISE: BackendDriver = BackendDriver::new("other", &["broken"], connect);
static CAPITALIZED: BackendDriver = BackendDriver::new("memory", &["Broken"], connect);
static REFUSING: BackendDriver = BackendDriver::new("memory", &["broken"], refuse);
static LENIENT: BackendDriver = BackendDriver::new("memory", &["broken"], connect_leniently);
static UNMIGRATED: BackendDriver = BackendDriver::new("memory", &["broken"], connect_unmigrated);
static CREATING: BackendDriver = BackendDriver::new("memory", &["broken"], connect_and_create);

pub(crate) const FAULTS: &[Fault] = &[
    Fault {
        name: "a driver has another name than its backend",
        broken: Broken::Driver(&NAMED_OTHERWISE),
        caught_by: &["driver::its_name_is_that_of_its_backend"],
    },
    Fault {
        name: "a driver has a scheme that no URL has",
        broken: Broken::Driver(&CAPITALIZED),
        caught_by: &["driver::its_schemes_are_those_of_urls"],
    },
    Fault {
        name: "a driver refuses the URLs of its scheme",
        broken: Broken::Driver(&REFUSING),
        caught_by: &["driver::a_url_of_its_scheme_connects"],
    },
    Fault {
        name: "a driver passes over options that it does not know",
        broken: Broken::Driver(&LENIENT),
        caught_by: &["driver::an_unknown_option_is_refused_by_name"],
    },
    Fault {
        name: "before migrate the errors are those of the storage",
        broken: Broken::Driver(&UNMIGRATED),
        caught_by: &["driver::before_migrate_every_operation_says_to_migrate"],
    },
    Fault {
        name: "connecting again creates what migrate ought to",
        broken: Broken::Driver(&CREATING),
        caught_by: &["driver::before_migrate_every_operation_says_to_migrate"],
    },
];

/// The store at a URL.
fn store(url: &str, kind: UserIdKind) -> Store {
    static STORES: Mutex<Option<HashMap<String, Store>>> = Mutex::new(None);
    let mut stores = STORES.lock().unwrap_or_else(PoisonError::into_inner);
    let stores = stores.get_or_insert_default();
    Arc::clone(stores.entry(url.to_owned()).or_insert_with(|| honest(kind)))
}

fn connect(args: ConnectArgs) -> ConnectFuture {
    Box::pin(async move { Ok(store(&args.url, args.options.parse::<MemoryConfig>()?.user_id)) })
}

fn refuse(_: ConnectArgs) -> ConnectFuture {
    Box::pin(async { Err(Error::new(ErrorKind::InvalidSettings, "expected another URL")) })
}

fn connect_leniently(args: ConnectArgs) -> ConnectFuture {
    Box::pin(async move {
        let options: HashMap<String, Value> = args.options.parse()?;
        let kind = options.get("user_id").cloned().unwrap_or_default();
        Ok(store(&args.url, serde_json::from_value(kind).unwrap_or_default()))
    })
}

fn connect_unmigrated(args: ConnectArgs) -> ConnectFuture {
    Box::pin(async move {
        let store = connect(args).await?;
        Ok(twisted(store, Unmigrated { kind: ErrorKind::Backend, is_migrated: false.into() }))
    })
}

fn connect_and_create(args: ConnectArgs) -> ConnectFuture {
    static CONNECTED: Mutex<Vec<String>> = Mutex::new(Vec::new());
    Box::pin(async move {
        let is_migrated = {
            let mut connected = CONNECTED.lock().unwrap_or_else(PoisonError::into_inner);
            connected.push(args.url.clone());
            (connected.iter().filter(|url| **url == args.url).count() > 1).into()
        };
        let store = connect(args).await?;
        Ok(twisted(store, Unmigrated { kind: ErrorKind::NotMigrated, is_migrated }))
    })
}

/// Nothing but `migrate` works before it.
#[derive(Debug)]
struct Unmigrated {
    kind: ErrorKind,
    is_migrated: AtomicBool,
}

impl Unmigrated {
    fn check(&self) -> Result<()> {
        let is_migrated = self.is_migrated.load(Ordering::SeqCst);
        if is_migrated { Ok(()) } else { Err(Error::new(self.kind, "no such table")) }
    }
}

#[async_trait]
impl Twist for Unmigrated {
    async fn add(&self, store: &Store, args: AddStreamItem) -> Result<Delivery> {
        self.check()?;
        store.add_stream_item(args).await
    }

    async fn read(&self, store: &Store, query: StreamQuery) -> Result<Vec<StreamItem>> {
        self.check()?;
        store.get_stream_items(query).await
    }

    async fn count(&self, store: &Store, query: CountQuery) -> Result<u64> {
        self.check()?;
        store.count_stream_items(query).await
    }

    async fn delete(&self, store: &Store, args: DeleteStream) -> Result<u64> {
        self.check()?;
        store.delete_stream(args).await
    }

    async fn purge(&self, store: &Store) -> Result<u64> {
        self.check()?;
        store.purge().await
    }

    async fn migrate(&self, _: &Store) -> Result<()> {
        self.is_migrated.store(true, Ordering::SeqCst);
        Ok(())
    }
}

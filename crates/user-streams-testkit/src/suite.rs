//! The suite over one backend.

use std::{fmt, process::ExitCode, sync::Arc, sync::LazyLock, time::Duration};

use futures_util::future::BoxFuture;
use libtest_mimic::{Arguments, Completion, Trial};
use tokio::{runtime::Runtime, time};
use user_streams_core::{
    Settings, UserIdKind,
    backend::{Backend, BackendDriver, Capabilities, Capability},
};

use crate::{
    Case, Connections, Namespace,
    case::Run,
    driver::{Driver, DriverTest},
    limits::Limits,
    panics::panic_message,
    store::{Connect, Failure, Store},
};

/// One runtime for all cases; connections of a pool belong to the runtime that opened them.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a tokio runtime"));

const KINDS: [UserIdKind; 3] = [UserIdKind::BigInt, UserIdKind::Uuid, UserIdKind::Text];

/// Every case, over one backend.
#[derive(Clone)]
pub struct Suite {
    name: String,
    stores: Vec<Arc<Store>>,
    connect: Connect,
    driver: Option<Driver>,
    limits: Limits,
    single_connection: bool,
}

/// How a case that did not fail has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The backend keeps the promise.
    Passed,
    /// The promise is about something that the backend does not declare.
    NotDeclared(Capability),
    /// The promise is that of a driver, and the suite has none.
    NoDriver,
    /// The promise is about several connections, and the store can be opened once.
    SingleConnection,
}

impl Suite {
    /// The suite over the backend that `connect` makes for a kind of user ids, without its driver.
    /// The name begins the names of the tests.
    pub fn new<C, F, B, E>(name: impl Into<String>, connect: C) -> Self
    where
        C: Fn(UserIdKind) -> F + Send + Sync + 'static,
        F: Future<Output = Result<B, E>> + Send + 'static,
        B: Backend,
        E: Into<Failure>,
    {
        let connect: Connect = Arc::new(move |kind| {
            let connecting = connect(kind);
            Box::pin(async move {
                Ok(Arc::new(connecting.await.map_err(Into::into)?) as Arc<dyn Backend>)
            })
        });
        let suite = Self {
            name: name.into(),
            stores: Vec::new(),
            connect,
            driver: None,
            limits: Limits::default(),
            single_connection: false,
        };
        suite.with_kinds(KINDS)
    }

    /// The suite over a driver and its backend, under the driver's name.
    ///
    /// `settings` gives the URL and the options for user ids of a kind in the store of a name
    /// (lowercase letters, digits and `_`): the same store each time for the same kind and name,
    /// another one for each other kind or name. Stores whose names begin with `new_`
    /// have never been used before; the suite does not remove them.
    pub fn for_driver(
        driver: &'static BackendDriver,
        settings: impl Fn(UserIdKind, &str) -> Settings + Send + Sync + 'static,
    ) -> Self {
        let under_test = Driver::new(driver, settings);
        let shared = under_test.clone();
        let suite = Self::new(driver.name(), move |kind| {
            let driver = shared.clone();
            async move { driver.connect(&driver.shared(kind)).await }
        });
        Self { driver: Some(under_test), ..suite }
    }

    /// Another name, which begins the names of the tests.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The kinds of user ids that the backend has. By default all three.
    #[must_use]
    pub fn with_kinds(mut self, kinds: impl IntoIterator<Item = UserIdKind>) -> Self {
        let store = |kind| Arc::new(Store::new(kind, Arc::clone(&self.connect)));
        self.stores = kinds.into_iter().map(store).collect();
        self
    }

    /// The longest that a case may take before it fails. By default 120 s: on two cores and a slow
    /// disk, the longest ones take some seconds.
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.limits.case = limit;
        self
    }

    /// The longest that the backend may take to answer after a call was dropped. By default 10 s;
    /// more for a busy machine.
    #[must_use]
    pub fn with_recovery_time(mut self, time: Duration) -> Self {
        self.limits.recovery = time;
        self
    }

    /// The longest content that the store takes, in bytes of UTF-8. By default 1 MiB, which is what
    /// an application may expect; a backend with a smaller limit documents it.
    #[must_use]
    pub fn with_max_content_len(mut self, bytes: usize) -> Self {
        self.limits.max_content_len = bytes;
        self
    }

    /// Whether a process can open its store only once at a time, such as an embedded database that
    /// locks its file. By default false: some cases open the store several times at once.
    #[must_use]
    pub fn with_single_connection(mut self, single_connection: bool) -> Self {
        self.single_connection = single_connection;
        self
    }

    /// Each case as a test `<name>::<kind of user id>::<topic>::<case>`, for a test binary without
    /// the standard harness.
    pub fn trials(&self) -> Vec<Trial> {
        let Some(first) = self.stores.first().map(|store| store.kind) else { return Vec::new() };
        let cases = || Case::all().filter(|case| self.driver.is_some() || !case.needs_driver());
        let pairs = self.stores.iter().flat_map(|store| cases().map(|case| (case, store.kind)));
        pairs
            .filter(|(case, kind)| case.runs_with(*kind, first))
            .map(|(case, kind)| self.trial(case, kind))
            .collect()
    }

    fn trial(&self, case: &'static Case, kind: UserIdKind) -> Trial {
        let suite = self.clone();
        Trial::ignorable_test(format!("{}::{kind}::{}", self.name, case.name), move || {
            Ok(match RUNTIME.block_on(suite.check(case, kind))? {
                Outcome::Passed => Completion::Completed,
                reason => Completion::ignored_with(reason.to_string()),
            })
        })
    }

    /// Runs every case as the command line says, and prints how they end: the whole `main` of a
    /// test binary.
    pub fn run(&self) -> ExitCode {
        libtest_mimic::run(&Arguments::from_args(), self.trials()).exit_code()
    }

    /// Runs one case with user ids of one kind, on a multi-threaded tokio runtime.
    ///
    /// # Errors
    /// The message of the case that failed, or why the backend could not be had.
    pub async fn check(&self, case: &Case, kind: UserIdKind) -> Result<Outcome, String> {
        let store = self.stores.iter().find(|store| store.kind == kind);
        let store = store.ok_or_else(|| format!("the suite is not for {kind} ids"))?;
        if self.single_connection && case.connections == Connections::Several {
            return Ok(Outcome::SingleConnection);
        }
        let namespace = |backend| Namespace::new(backend, Arc::clone(&self.connect), self.limits);
        match case.run {
            Run::Driver(run) => {
                let Some(driver) = &self.driver else { return Ok(Outcome::NoDriver) };
                if !case.requires.is_empty() {
                    let (backend, _) = store.shared().await?;
                    if let Some(missing) = missing(case, backend.capabilities()) {
                        return Ok(Outcome::NotDeclared(missing));
                    }
                }
                self.finish(run(DriverTest::new(driver.clone(), kind))).await
            }
            Run::Backend(run) if case.connections == Connections::Successive => {
                let (backend, _guard) = store.only().await?;
                match missing(case, backend.capabilities()) {
                    Some(missing) => Ok(Outcome::NotDeclared(missing)),
                    None => self.finish(run(namespace(backend))).await,
                }
            }
            Run::Backend(run) => {
                let (backend, _guard) = store.shared().await?;
                match missing(case, backend.capabilities()) {
                    Some(missing) => Ok(Outcome::NotDeclared(missing)),
                    None => self.finish(run(namespace(backend))).await,
                }
            }
        }
    }

    async fn finish(&self, case: BoxFuture<'static, ()>) -> Result<Outcome, String> {
        let mut task = tokio::spawn(case);
        match time::timeout(self.limits.case, &mut task).await {
            Ok(Ok(())) => Ok(Outcome::Passed),
            Ok(Err(error)) => Err(error
                .try_into_panic()
                .map_or_else(|error| error.to_string(), |panic| panic_message(&*panic).to_owned())),
            Err(_) => {
                task.abort();
                let limit = self.limits.case.as_secs();
                Err(format!("the case hangs: it did not end within {limit} s"))
            }
        }
    }
}

fn missing(case: &Case, capabilities: Capabilities) -> Option<Capability> {
    case.requires.iter().copied().find(|required| !capabilities.has(*required))
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("the backend keeps the promise"),
            Self::NotDeclared(capability) => {
                write!(f, "the backend does not declare {capability:?}")
            }
            Self::NoDriver => f.write_str("the suite has no driver"),
            Self::SingleConnection => f.write_str("a process opens the store only once"),
        }
    }
}

impl fmt::Debug for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<_> = self.stores.iter().map(|store| store.kind).collect();
        f.debug_struct("Suite")
            .field("name", &self.name)
            .field("kinds", &kinds)
            .field("driver", &self.driver)
            .field("limits", &self.limits)
            .field("single_connection", &self.single_connection)
            .finish_non_exhaustive()
    }
}

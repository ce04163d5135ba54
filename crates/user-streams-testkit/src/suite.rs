//! The suite over one backend.

use std::{
    any::Any,
    error::Error as StdError,
    fmt,
    process::ExitCode,
    sync::{Arc, LazyLock},
    time::Duration,
};

use futures_util::future::BoxFuture;
use libtest_mimic::{Arguments, Completion, Trial};
use tokio::{runtime::Runtime, sync::OnceCell, time};
use user_streams_core::{Backend, Capability, UserIdKind};

use crate::{Case, Namespace};

/// A case that takes longer hangs: on two cores and a slow disk, the longest ones take some
/// seconds.
const TIME_LIMIT: Duration = Duration::from_secs(120);

type Failure = Box<dyn StdError + Send + Sync>;
type Shared = Arc<OnceCell<Result<Arc<dyn Backend>, String>>>;
pub(crate) type Connect =
    Arc<dyn Fn(UserIdKind) -> BoxFuture<'static, Result<Arc<dyn Backend>, Failure>> + Send + Sync>;

/// One runtime for all cases; connections of a pool belong to the runtime that opened them.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a tokio runtime"));

/// Every case, over one backend.
#[derive(Clone)]
pub struct Suite {
    name: String,
    kinds: Vec<(UserIdKind, Shared)>,
    connect: Connect,
}

/// How a case that did not fail has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The backend keeps the promise.
    Passed,
    /// The promise is about something that the backend does not declare.
    NotDeclared(Capability),
}

impl Suite {
    /// The suite over the backend that `connect` makes for a kind of user ids. The name is for the
    /// tests' names.
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
        Self { name: name.into(), kinds: Vec::new(), connect }.kinds([
            UserIdKind::BigInt,
            UserIdKind::Uuid,
            UserIdKind::Text,
        ])
    }

    /// The kinds of user ids that the backend has: all of them, unless this says otherwise.
    #[must_use]
    pub fn kinds(mut self, kinds: impl IntoIterator<Item = UserIdKind>) -> Self {
        self.kinds = kinds.into_iter().map(|kind| (kind, Shared::default())).collect();
        self
    }

    /// Each case as a test `<name>::<kind of user id>::<topic>::<case>`, for a test binary without
    /// the standard harness.
    pub fn trials(&self) -> Vec<Trial> {
        let Some((first, _)) = self.kinds.first() else { return Vec::new() };
        let pairs =
            self.kinds.iter().flat_map(|(kind, _)| Case::all().map(move |case| (case, *kind)));
        let trial = |(case, kind): (&'static Case, UserIdKind)| {
            let suite = self.clone();
            Trial::ignorable_test(format!("{}::{kind}::{}", self.name, case.name), move || {
                match RUNTIME.block_on(suite.check(case, kind))? {
                    Outcome::Passed => Ok(Completion::Completed),
                    Outcome::NotDeclared(capability) => Ok(Completion::ignored_with(format!(
                        "the backend does not declare {capability:?}"
                    ))),
                }
            })
        };
        pairs.filter(|(case, kind)| case.runs_with(*kind, *first)).map(trial).collect()
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
        let backend = self.backend(kind).await?;
        let capabilities = backend.capabilities();
        if let Some(missing) = case.requires.iter().find(|required| !capabilities.has(**required)) {
            return Ok(Outcome::NotDeclared(*missing));
        }
        let mut task = tokio::spawn((case.run)(Namespace::new(backend, Arc::clone(&self.connect))));
        match time::timeout(TIME_LIMIT, &mut task).await {
            Ok(Ok(())) => Ok(Outcome::Passed),
            Ok(Err(error)) => Err(error
                .try_into_panic()
                .map_or_else(|error| error.to_string(), |panic| panic_message(&*panic).to_owned())),
            Err(_) => {
                task.abort();
                Err(format!("the case hangs: it did not end within {} s", TIME_LIMIT.as_secs()))
            }
        }
    }

    /// The one connection that the cases of a kind share.
    async fn backend(&self, kind: UserIdKind) -> Result<Arc<dyn Backend>, String> {
        let shared = self.kinds.iter().find(|(known, _)| *known == kind).map(|(_, shared)| shared);
        let shared = shared.ok_or_else(|| format!("the suite is not for {kind} ids"))?;
        shared.get_or_init(|| self.make(kind)).await.clone()
    }

    async fn make(&self, kind: UserIdKind) -> Result<Arc<dyn Backend>, String> {
        let backend =
            (self.connect)(kind).await.map_err(|error| format!("connecting failed: {error:?}"))?;
        let capabilities = backend.capabilities();
        if capabilities.user_id() != kind {
            return Err(format!(
                "asked for {kind} ids, and got a backend for {} ids",
                capabilities.user_id()
            ));
        }
        if capabilities.has(Capability::Migrate) {
            backend.migrate().await.map_err(|error| format!("migrating failed: {error:?}"))?;
        }
        Ok(backend)
    }
}

impl fmt::Debug for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<_> = self.kinds.iter().map(|(kind, _)| kind).collect();
        f.debug_struct("Suite")
            .field("name", &self.name)
            .field("kinds", &kinds)
            .finish_non_exhaustive()
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a message")
}

//! How a backend crate introduces itself.

use std::{env, fmt, sync::Arc};

use futures_core::future::BoxFuture;

use crate::{
    Result, Settings,
    backend::Backend,
    settings::{Environment, Options, redact},
};

/// The future of a connect function.
pub type ConnectFuture = BoxFuture<'static, Result<Arc<dyn Backend>>>;

/// What a driver gets in order to connect. `Debug` shows no password.
#[derive(Clone)]
#[non_exhaustive]
pub struct ConnectArgs {
    /// The whole URL, verbatim.
    pub url: String,
    /// The backend's own options; [`Options::parse`] makes the driver's configuration of them.
    pub options: Options,
    /// Whether [`Backend::watch`](crate::backend::Backend::watch) is wanted, if the backend has it.
    pub live: bool,
}

impl ConnectArgs {
    /// Connect to this URL with these options.
    pub fn new(url: impl Into<String>, options: Options) -> Self {
        Self { url: url.into(), options, live: false }
    }

    /// The same, with or without hints of what changes.
    #[must_use]
    pub fn with_live(mut self, live: bool) -> Self {
        self.live = live;
        self
    }
}

impl fmt::Debug for ConnectArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectArgs")
            .field("url", &redact(&self.url))
            .field("options", &self.options)
            .field("live", &self.live)
            .finish()
    }
}

/// A backend's name, the URL schemes that it answers to, the crate it is in, and how to connect.
///
/// A backend crate has one public constant of it, `DRIVER`, and registers that beside it by
/// [`register_backend!`](crate::register_backend).
#[derive(Debug)]
pub struct BackendDriver {
    name: &'static str,
    schemes: &'static [&'static str],
    crate_name: &'static str,
    crate_version: &'static str,
    connect: fn(ConnectArgs) -> ConnectFuture,
    is_disabled: fn(&str) -> bool,
}

impl BackendDriver {
    /// A driver of this name for these schemes. The name also gives the environment variables of
    /// its options: `single-table` reads `USER_STREAMS_SINGLE_TABLE_<OPTION>`.
    pub const fn new(
        name: &'static str,
        schemes: &'static [&'static str],
        connect: fn(ConnectArgs) -> ConnectFuture,
    ) -> Self {
        Self {
            name,
            schemes,
            crate_name: "an unnamed crate",
            crate_version: "",
            connect,
            is_disabled: |_| false,
        }
    }

    /// Names the crate: `.in_crate(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))`.
    #[must_use]
    pub const fn in_crate(mut self, name: &'static str, version: &'static str) -> Self {
        self.crate_name = name;
        self.crate_version = version;
        self
    }

    /// Tells which of the schemes need a feature of the crate that is off. Connecting to one is an
    /// error of the crate's own, which names the feature; in a list of what is available it is
    /// left out.
    #[must_use]
    pub const fn with_disabled(mut self, is_disabled: fn(scheme: &str) -> bool) -> Self {
        self.is_disabled = is_disabled;
        self
    }

    /// The name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The URL schemes.
    pub const fn schemes(&self) -> &'static [&'static str] {
        self.schemes
    }

    /// The schemes that need a feature of the crate that is off.
    pub fn disabled_schemes(&self) -> Vec<&'static str> {
        self.schemes.iter().copied().filter(|scheme| (self.is_disabled)(scheme)).collect()
    }

    /// The crate's name.
    pub const fn crate_name(&self) -> &'static str {
        self.crate_name
    }

    /// The crate's version.
    pub const fn crate_version(&self) -> &'static str {
        self.crate_version
    }

    /// The backend's own options of these settings and, where they are [of the
    /// environment](Settings::from_env), of its variables: for an application that makes the
    /// backend itself, such as over its own pool.
    ///
    /// # Errors
    /// `InvalidSettings` for a variable that belongs to no backend of this program.
    pub fn options(&self, settings: &Settings) -> Result<Options> {
        self.options_among(linked_names(), settings)
    }

    /// The backend's own options of the process's environment variables,
    /// `USER_STREAMS_<BACKEND>_<OPTION>`, where no URL is wanted.
    ///
    /// # Errors
    /// `InvalidSettings` for a variable that belongs to no backend of this program.
    pub fn options_from_env(&self) -> Result<Options> {
        let environment = Environment::new(env::vars_os())?.without_core();
        self.with_environment(Options::new(), linked_names(), &environment)
    }

    /// The options of these settings in a program that has backends of these names.
    pub(crate) fn options_among(
        &self,
        names: impl IntoIterator<Item = &'static str>,
        settings: &Settings,
    ) -> Result<Options> {
        self.with_environment(settings.options().clone(), names, settings.environment())
    }

    fn with_environment(
        &self,
        mut options: Options,
        names: impl IntoIterator<Item = &'static str>,
        environment: &Environment,
    ) -> Result<Options> {
        let known = names.into_iter().chain(unlinked().map(|backend| backend.name));
        for (option, variable, text) in environment.options_of(self.name, known)? {
            options.set_from_environment(option, variable, text);
        }
        Ok(options)
    }

    /// Connects.
    pub(crate) fn connect(&self, args: ConnectArgs) -> ConnectFuture {
        (self.connect)(args)
    }
}

/// What [`register_backend!`](crate::register_backend) submits.
#[derive(Debug)]
pub struct Registration(pub &'static BackendDriver);

inventory::collect!(Registration);

/// A backend that a program could have: what a crate that has backends as features says of those
/// that are off.
#[derive(Debug)]
pub struct UnlinkedBackend {
    /// The driver's name.
    pub name: &'static str,
    /// The schemes that it would answer to.
    pub schemes: &'static [&'static str],
    /// What to do in order to have it.
    pub advice: &'static str,
}

inventory::collect!(UnlinkedBackend);

/// The backends that this program knows of and does not have.
pub(crate) fn unlinked() -> impl Iterator<Item = &'static UnlinkedBackend> {
    inventory::iter::<UnlinkedBackend>()
}

fn linked_names() -> impl Iterator<Item = &'static str> {
    inventory::iter::<Registration>().map(|registration| registration.0.name)
}

/// Registers a driver, so that [`Streams::connect`](crate::Streams::connect) finds it in every
/// program that its crate is linked into. Write it in the same module as the driver, once.
///
/// ```
/// use user_streams_core::MemoryBackend;
/// use user_streams_core::backend::{BackendDriver, ConnectArgs, ConnectFuture, register_backend};
///
/// fn connect(_: ConnectArgs) -> ConnectFuture {
///     Box::pin(async { Ok(std::sync::Arc::new(MemoryBackend::default()) as _) })
/// }
///
/// /// The driver of this crate.
/// pub static DRIVER: BackendDriver = BackendDriver::new("example", &["example"], connect)
///     .in_crate(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
/// register_backend!(DRIVER);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! register_backend {
    ($driver:expr) => {
        $crate::__private::inventory::submit! { $crate::__private::Registration(&$driver) }
    };
}

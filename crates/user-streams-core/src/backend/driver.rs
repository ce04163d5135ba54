//! How a backend crate introduces itself.

use std::{fmt, sync::Arc};

use futures_core::future::BoxFuture;

use crate::{Backend, Options, Result, settings::redact};

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
}

impl ConnectArgs {
    /// Connect to this URL with these options.
    pub fn new(url: impl Into<String>, options: Options) -> Self {
        Self { url: url.into(), options }
    }
}

impl fmt::Debug for ConnectArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectArgs")
            .field("url", &redact(&self.url))
            .field("options", &self.options)
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
}

impl BackendDriver {
    /// A driver of this name for these schemes. The name also gives the environment variables of
    /// its options: `single-table` reads `USER_STREAMS_SINGLE_TABLE_<OPTION>`.
    pub const fn new(
        name: &'static str,
        schemes: &'static [&'static str],
        connect: fn(ConnectArgs) -> ConnectFuture,
    ) -> Self {
        Self { name, schemes, crate_name: "an unnamed crate", crate_version: "", connect }
    }

    /// Names the crate: `.in_crate(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))`.
    #[must_use]
    pub const fn in_crate(mut self, name: &'static str, version: &'static str) -> Self {
        self.crate_name = name;
        self.crate_version = version;
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

    /// The crate's name.
    pub const fn crate_name(&self) -> &'static str {
        self.crate_name
    }

    /// The crate's version.
    pub const fn crate_version(&self) -> &'static str {
        self.crate_version
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

/// Registers a driver, so that [`Streams::connect`](crate::Streams::connect) finds it in every
/// program that its crate is linked into. Write it in the same module as the driver, once.
///
/// ```
/// use user_streams_core::{BackendDriver, ConnectArgs, ConnectFuture, MemoryBackend, register_backend};
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

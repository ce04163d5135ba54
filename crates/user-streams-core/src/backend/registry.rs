//! Which backends this program has.

use std::ptr;
use std::sync::Arc;

use crate::{
    Backend, BackendDriver, ConnectArgs, Error, ErrorKind, Result, Settings,
    backend::{ConnectFuture, Registration, memory},
};

/// The canary: core's own registration, in the same module as the iterator over all of them. Where
/// it is missing, no constructor ran.
static CANARY: &BackendDriver = &memory::DRIVER;
inventory::submit! { Registration(&memory::DRIVER) }

/// The schemes of our own backends, for the hint that names the crate which is missing: scheme,
/// crate, feature.
const OURS: &[(&str, &str, &str)] = &[
    ("single-table+sqlite", "user-streams-single-table", "sqlite"),
    ("single-table+postgres", "user-streams-single-table", "postgres"),
    ("single-table+postgresql", "user-streams-single-table", "postgres"),
    ("single-table+mysql", "user-streams-single-table", "mysql"),
    ("single-table+mariadb", "user-streams-single-table", "mysql"),
    ("many-to-many+sqlite", "user-streams-many-to-many", "sqlite"),
    ("many-to-many+postgres", "user-streams-many-to-many", "postgres"),
    ("many-to-many+postgresql", "user-streams-many-to-many", "postgres"),
    ("many-to-many+mysql", "user-streams-many-to-many", "mysql"),
    ("many-to-many+mariadb", "user-streams-many-to-many", "mysql"),
    ("redis", "user-streams-redis", ""),
    ("rediss", "user-streams-redis", "rustls"),
    ("redis-cluster", "user-streams-redis", ""),
    ("rediss-cluster", "user-streams-redis", "rustls"),
    ("redis-sentinel", "user-streams-redis", ""),
    ("rediss-sentinel", "user-streams-redis", "rustls"),
];

/// The drivers that a connect chooses from: those that are linked, or an explicit list.
///
/// ```
/// use user_streams_core::Registry;
///
/// let registry = Registry::linked();
/// assert!(registry.schemes().contains(&"memory"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Registry {
    drivers: Vec<&'static BackendDriver>,
}

impl Registry {
    /// Every driver that is registered in this program, by
    /// [`register_backend!`](crate::register_backend).
    pub fn linked() -> Self {
        let drivers = inventory::iter::<Registration>().map(|registration| registration.0);
        drivers.fold(Self::empty(), Self::with)
    }

    /// No driver; for a target where constructors do not run, or a program that wants a fixed list.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The same with `driver`.
    #[must_use]
    pub fn with(mut self, driver: &'static BackendDriver) -> Self {
        if !self.has(driver) {
            self.drivers.push(driver);
            // inventory's order is unspecified.
            self.drivers.sort_by_key(|driver| (driver.name(), driver.crate_name()));
        }
        self
    }

    /// The drivers, sorted by name.
    pub fn drivers(&self) -> &[&'static BackendDriver] {
        &self.drivers
    }

    /// Every scheme of every driver, sorted.
    pub fn schemes(&self) -> Vec<&'static str> {
        let mut schemes: Vec<_> =
            self.drivers.iter().flat_map(|driver| driver.schemes()).copied().collect();
        schemes.sort_unstable();
        schemes
    }

    /// Connects to the backend that the settings name.
    ///
    /// # Errors
    /// `InvalidSettings` for a malformed URL or an unknown or malformed option, `UnknownScheme` if
    /// no driver or more than one answers to the URL's scheme, and whatever the driver's connect
    /// answers.
    pub async fn connect(&self, settings: &Settings) -> Result<Arc<dyn Backend>> {
        self.start(settings)?.await.map_err(|error| error.with_operation("connect"))
    }

    fn start(&self, settings: &Settings) -> Result<ConnectFuture> {
        let driver = self.find(settings.scheme()?)?;
        let options = settings.options_for(driver, self)?;
        Ok(driver.connect(ConnectArgs::new(settings.backend(), options)))
    }

    fn has(&self, driver: &'static BackendDriver) -> bool {
        self.drivers.iter().any(|known| ptr::eq(*known, driver))
    }

    fn find(&self, scheme: &str) -> Result<&'static BackendDriver> {
        let mut claims = self.drivers.iter().filter(|driver| driver.schemes().contains(&scheme));
        match (claims.next(), claims.next()) {
            (Some(driver), None) => Ok(driver),
            (Some(first), Some(second)) => Err(unknown(format!(
                "scheme `{scheme}` is claimed by both {} and {}: link only one of them, or pass \
                 the one to use with \
                 `Registry::empty().with(&DRIVER)`",
                show(first),
                show(second)
            ))),
            (None, _) => Err(unknown(self.explain(scheme))),
        }
    }

    /// Why there is no driver for `scheme`, and what to do about it.
    fn explain(&self, scheme: &str) -> String {
        let ours = OURS.iter().find(|(ours, ..)| *ours == scheme);
        let linked = |name: &str| self.drivers.iter().any(|driver| driver.crate_name() == name);
        let hint = match ours {
            Some((_, name, feature)) if linked(name) => {
                format!("; enable the feature `{feature}` of {name} in Cargo.toml")
            }
            Some((_, name, "")) => format!("; it is in the crate {name}"),
            Some((_, name, feature)) => {
                format!("; it is in the crate {name} with the feature `{feature}`")
            }
            None if OURS
                .iter()
                .any(|(ours, ..)| ours.strip_prefix("single-table+") == Some(scheme)) =>
            {
                format!(
                    "; for a SQL database, put the backend before it, such as \
                     `single-table+{scheme}:`"
                )
            }
            None => String::new(),
        };
        let name = ours.map_or("user-streams-redis", |(_, name, _)| *name);
        let add = format!("add `use {} as _;`", name.replace('-', "_"));
        match self.drivers.as_slice() {
            [] => format!(
                "scheme `{scheme}` is not registered: constructors did not run on this target; \
                 pass the driver explicitly \
                 with `Registry::empty().with(&DRIVER)`{hint}"
            ),
            [only] if ptr::eq(*only, CANARY) => format!(
                "scheme `{scheme}` is not registered: no backend crate is linked; a dependency \
                 that is never named is \
                 not linked: {add}{hint}"
            ),
            drivers => {
                let available: Vec<_> = drivers
                    .iter()
                    .map(|driver| format!("{} ({})", driver.schemes().join(", "), show(driver)))
                    .collect();
                let add = match ours {
                    Some(_) if !linked(name) => format!(": add that to Cargo.toml, and {add}"),
                    _ => String::new(),
                };
                format!(
                    "scheme `{scheme}` is not registered; available: {}{hint}{add}",
                    available.join("; ")
                )
            }
        }
    }
}

fn show(driver: &BackendDriver) -> String {
    format!("{} {}", driver.crate_name(), driver.crate_version()).trim_end().to_owned()
}

fn unknown(message: String) -> Error {
    Error::new(ErrorKind::UnknownScheme, message)
}

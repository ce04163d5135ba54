//! Which backends this program has.

use std::{ptr, sync::Arc};

use strsim::levenshtein;

use crate::{
    Error, ErrorKind, Result, Settings,
    backend::{
        Backend, BackendDriver, ConnectArgs, ConnectFuture,
        driver::{Registration, UnlinkedBackend, unlinked},
        memory,
    },
    error::excerpt,
};

/// Core's own driver, registered in the same module as the iterator over all of them: where it is
/// missing, no constructor ran.
static CORE: &BackendDriver = &memory::DRIVER;
inventory::submit! { Registration(&memory::DRIVER) }

/// No misspelt scheme is longer, in bytes.
const MAX_SCHEME_LEN: usize = 60;

/// The drivers that a connect chooses from: those that are linked, or an explicit list.
///
/// ```
/// use user_streams_core::backend::Registry;
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
        let names = self.drivers.iter().map(|driver| driver.name());
        let options = driver.options_among(names, settings)?;
        let args = ConnectArgs::new(settings.backend(), options);
        Ok(driver.connect(args.with_live(settings.live())))
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
        let why = match self.drivers.as_slice() {
            [] => {
                ": constructors did not run on this target; pass the driver explicitly with \
                 `Registry::empty().with(&DRIVER)`"
            }
            [only] if ptr::eq(*only, CORE) && unlinked().next().is_none() => {
                ": no backend crate is linked; a dependency that is never named is not linked: add \
                 `use the_backends_crate as _;`, or depend on the crate `user-streams`, whose \
                 features link backends"
            }
            drivers => {
                let advice = self.advice(scheme).unwrap_or_default();
                let end = if advice.ends_with('?') { "" } else { ";" };
                let available = drivers.iter().map(|driver| available(driver)).collect::<Vec<_>>();
                &format!("{advice}{end} available: {}", available.join("; "))
            }
        };
        format!("scheme `{}` is not registered{why}", excerpt(scheme))
    }

    /// What to do in order to have a scheme that is known.
    fn advice(&self, scheme: &str) -> Option<String> {
        let has = |backend: &&UnlinkedBackend| backend.schemes.contains(&scheme);
        if let Some(backend) = unlinked().find(has) {
            return Some(format!(": {}", backend.advice));
        }
        if let Some(known) = self.scheme_with_prefix(scheme) {
            return Some(format!("; put the backend before the database, such as `{known}:`"));
        }
        if scheme.len() > MAX_SCHEME_LEN {
            return None;
        }
        let distances = self.known().into_iter().map(|known| (levenshtein(known, scheme), known));
        let (distance, nearest) = distances.min()?;
        (distance <= scheme.len() / 3).then(|| format!("; did you mean `{nearest}:`?"))
    }

    /// Every scheme, also of the backends that are not linked, sorted.
    fn known(&self) -> Vec<&'static str> {
        let mut known = self.schemes();
        known.extend(unlinked().flat_map(|backend| backend.schemes));
        known.sort_unstable();
        known
    }

    /// `single-table+postgres` for `postgres`.
    fn scheme_with_prefix(&self, scheme: &str) -> Option<&'static str> {
        let has_backend =
            |known: &&str| known.strip_suffix(scheme).is_some_and(|backend| backend.ends_with('+'));
        self.known().into_iter().rev().find(has_backend)
    }
}

/// The schemes of a driver, and those whose feature is off.
fn available(driver: &BackendDriver) -> String {
    let disabled = driver.disabled_schemes();
    let is_enabled = |scheme: &&&str| !disabled.contains(*scheme);
    let enabled: Vec<_> = driver.schemes().iter().filter(is_enabled).copied().collect();
    let off = match disabled.as_slice() {
        [] => String::new(),
        disabled => format!("; features are off for {}", disabled.join(", ")),
    };
    format!("{} ({}{off})", enabled.join(", "), show(driver))
}

fn show(driver: &BackendDriver) -> String {
    format!("{} {}", driver.crate_name(), driver.crate_version()).trim_end().to_owned()
}

fn unknown(message: String) -> Error {
    Error::new(ErrorKind::UnknownScheme, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    inventory::submit! {
        UnlinkedBackend { name: "absent", schemes: &["absent"], advice: "enable `absent`" }
    }

    #[tokio::test]
    async fn a_backend_that_is_known_but_not_linked_says_how_to_have_it() {
        let error = Registry::linked().connect(&Settings::new("absent://")).await.unwrap_err();
        let expected = "`absent` is not registered: enable `absent`; available: memory";
        assert!(error.message().contains(expected), "{error}");
    }

    #[tokio::test]
    async fn schemes_whose_feature_is_off_are_listed_apart() {
        static DRIVER: BackendDriver =
            BackendDriver::new("twofold", &["twofold+a", "twofold+b"], |_| unreachable!())
                .with_disabled(|scheme| scheme == "twofold+b")
                .in_crate("twofold", "1.0");
        let registry = Registry::empty().with(&DRIVER);
        let error = registry.connect(&Settings::new("x://")).await.unwrap_err();
        let expected = "available: twofold+a (twofold 1.0; features are off for twofold+b)";
        assert!(error.message().contains(expected), "{error}");
    }

    #[tokio::test]
    async fn a_misspelt_scheme_is_answered_with_the_one_that_is_near() {
        let said = async |url: &str| {
            Registry::linked().connect(&Settings::new(url)).await.unwrap_err().message().to_owned()
        };
        assert!(said("memroy://").await.contains("; did you mean `memory:`? available"));
        assert!(said("absemt://").await.contains("; did you mean `absent:`? available"));
        assert!(said("x://").await.contains("`x` is not registered; available"));
    }

    #[test]
    fn a_driver_gives_the_options_of_settings_and_of_the_environment() {
        let variables = [
            ("USER_STREAMS_BACKEND", "memory://"),
            ("USER_STREAMS_MEMORY_USER_ID", "text"),
            ("USER_STREAMS_ABSENT_OPTION", "of another"),
        ];
        let settings = Settings::from_vars(variables).unwrap();
        let config: crate::MemoryConfig =
            memory::DRIVER.options(&settings).unwrap().parse().unwrap();
        assert_eq!(config.user_id, crate::UserIdKind::Text);
        // What is set in code wins.
        let settings = settings.with_option("user_id", "uuid");
        let config: crate::MemoryConfig =
            memory::DRIVER.options(&settings).unwrap().parse().unwrap();
        assert_eq!(config.user_id, crate::UserIdKind::Uuid);
    }

    #[tokio::test]
    async fn options_of_the_environment_reach_their_backend_and_unknown_ones_are_refused() {
        let connect = async |name: &str, value: &str| {
            let url = ("USER_STREAMS_BACKEND", "memory://");
            Registry::linked().connect(&Settings::from_vars([url, (name, value)]).unwrap()).await
        };
        let backend = connect("USER_STREAMS_MEMORY_USER_ID", "text").await.unwrap();
        assert_eq!(backend.capabilities().user_id(), crate::UserIdKind::Text);
        assert!(connect("USER_STREAMS_ABSENT_KEY_PREFIX", "of another backend").await.is_ok());
        for (name, value) in [("USER_ID", "guid"), ("USERID", "text")] {
            let error = connect(&format!("USER_STREAMS_MEMORY_{name}"), value).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidSettings, "{error}");
        }
        let error = connect("USER_STREAMS_USEUTC", "1").await.unwrap_err();
        assert!(error.to_string().contains("USER_STREAMS_USEUTC: unknown setting"), "{error}");
    }
}

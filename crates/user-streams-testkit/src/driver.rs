//! A driver under test, and stores that nobody has used.

use std::{fmt, sync::Arc};

use user_streams_core::{
    Result, Settings, UserIdKind,
    backend::{Backend, BackendDriver, Registry},
};

type MakeSettings = Arc<dyn Fn(UserIdKind, &str) -> Settings + Send + Sync>;

/// A driver, and the settings that lead to a store of a name.
#[derive(Clone)]
pub(crate) struct Driver {
    driver: &'static BackendDriver,
    settings: MakeSettings,
}

impl Driver {
    pub(crate) fn new(
        driver: &'static BackendDriver,
        settings: impl Fn(UserIdKind, &str) -> Settings + Send + Sync + 'static,
    ) -> Self {
        Self { driver, settings: Arc::new(settings) }
    }

    /// The settings of the store that the cases of a kind share.
    pub(crate) fn shared(&self, kind: UserIdKind) -> Settings {
        (self.settings)(kind, kind.as_str())
    }

    /// As an application connects, but that no other driver is there.
    pub(crate) async fn connect(&self, settings: &Settings) -> Result<Arc<dyn Backend>> {
        Registry::empty().with(self.driver).connect(settings).await
    }
}

/// What a case of a driver works with.
#[derive(Clone)]
pub(crate) struct DriverTest {
    driver: Driver,
    kind: UserIdKind,
}

impl DriverTest {
    pub(crate) fn new(driver: Driver, kind: UserIdKind) -> Self {
        Self { driver, kind }
    }

    pub(crate) fn driver(&self) -> &'static BackendDriver {
        self.driver.driver
    }

    pub(crate) fn kind(&self) -> UserIdKind {
        self.kind
    }

    /// The settings of a store that nobody has used.
    pub(crate) fn new_store(&self) -> Settings {
        (self.driver.settings)(self.kind, &format!("new_{:08x}", fastrand::u32(..)))
    }

    pub(crate) async fn connect(&self, settings: &Settings) -> Result<Arc<dyn Backend>> {
        self.driver.connect(settings).await
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.driver.fmt(f)
    }
}

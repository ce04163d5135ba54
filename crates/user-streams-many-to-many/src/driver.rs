//! How the registry finds this backend.

use user_streams_core::{BackendDriver, register_backend};
use user_streams_sql::connect_url;

use crate::ManyToMany;

/// The driver of the schemes `many-to-many+sqlite`, `many-to-many+postgres` and
/// `many-to-many+mysql` (also written `…+postgresql` and `…+mariadb`), as far as their features are
/// on.
pub static DRIVER: BackendDriver =
    BackendDriver::new("many-to-many", SCHEMES, connect_url::<ManyToMany>)
        .in_crate(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
register_backend!(DRIVER);

const SCHEMES: &[&str] = &[
    #[cfg(feature = "sqlite")]
    "many-to-many+sqlite",
    #[cfg(feature = "postgres")]
    "many-to-many+postgres",
    #[cfg(feature = "postgres")]
    "many-to-many+postgresql",
    #[cfg(feature = "mysql")]
    "many-to-many+mysql",
    #[cfg(feature = "mysql")]
    "many-to-many+mariadb",
];

//! How the registry finds this backend.

use user_streams_core::{BackendDriver, register_backend};
use user_streams_sql::connect_url;

use crate::SingleTable;

/// The driver of the schemes `single-table+sqlite`, `single-table+postgres` and
/// `single-table+mysql` (also written `…+postgresql` and `…+mariadb`), as far as their features are
/// on.
pub static DRIVER: BackendDriver =
    BackendDriver::new("single-table", SCHEMES, connect_url::<SingleTable>)
        .in_crate(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
register_backend!(DRIVER);

const SCHEMES: &[&str] = &[
    #[cfg(feature = "sqlite")]
    "single-table+sqlite",
    #[cfg(feature = "postgres")]
    "single-table+postgres",
    #[cfg(feature = "postgres")]
    "single-table+postgresql",
    #[cfg(feature = "mysql")]
    "single-table+mysql",
    #[cfg(feature = "mysql")]
    "single-table+mariadb",
];

//! How the registry finds this backend.

use user_streams_core::backend::{BackendDriver, register_backend};
use user_streams_sql::{connect_url, is_disabled, schemes};

use crate::SingleTable;

/// The driver of the schemes `single-table+sqlite`, `single-table+postgres` and
/// `single-table+mysql` (also written `…+postgresql` and `…+mariadb`). Connecting to a database
/// whose feature is off is an error that names the feature.
pub static DRIVER: BackendDriver =
    BackendDriver::new("single-table", schemes!("single-table"), connect_url::<SingleTable>)
        .with_disabled(is_disabled)
        .in_crate(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
register_backend!(DRIVER);

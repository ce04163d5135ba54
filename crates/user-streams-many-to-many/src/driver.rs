//! How the registry finds this backend.

use user_streams_core::backend::{BackendDriver, register_backend};
use user_streams_sql::{connect_url, is_disabled, schemes};

use crate::ManyToMany;

/// The driver of the schemes `many-to-many+sqlite`, `many-to-many+postgres` and
/// `many-to-many+mysql` (also written `…+postgresql` and `…+mariadb`). Connecting to a database
/// whose feature is off is an error that names the feature.
pub static DRIVER: BackendDriver =
    BackendDriver::new("many-to-many", schemes!("many-to-many"), connect_url::<ManyToMany>)
        .with_disabled(is_disabled)
        .in_crate(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
register_backend!(DRIVER);

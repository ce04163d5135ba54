//! The tokio runtime of the caller.

use tokio::runtime::Handle;
use user_streams_core::Result;

use crate::error::no_runtime;

/// The runtime, without which there is no network and no timer.
pub(crate) fn runtime() -> Result<Handle> {
    Handle::try_current().map_err(|_| no_runtime())
}

//! Which streams.

use clap::Args;

/// Which streams.
#[derive(Debug, Args)]
pub(crate) struct Feed {
    /// In this feed, which the setting `feeds` declares, and not in the main streams.
    #[arg(long, value_name = "NAME")]
    pub(crate) feed: Option<String>,
}

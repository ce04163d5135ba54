//! Commands that serve.

use std::net::SocketAddr;

use clap::Args;

/// Serves the page of a user's items to the browsers of this machine, until it is interrupted.
///
/// It asks nobody who they are, so it listens on an address of this machine alone. An application
/// has the page for all of its users, by the crate user-streams-axum.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The user's id.
    #[arg(allow_hyphen_values = true, required_unless_present = "demo", conflicts_with = "demo")]
    pub(crate) user: Option<String>,
    /// Items of an example, in a file that is removed at the end, and a new one every few seconds.
    #[arg(long)]
    pub(crate) demo: bool,
    /// In this feed, which the setting `feeds` declares, and not in the main streams.
    #[arg(long, value_name = "NAME", conflicts_with = "demo")]
    pub(crate) feed: Option<String>,
    /// The user belongs to this audience; several by repeating it.
    #[arg(long, value_name = "NAME", conflicts_with = "demo")]
    pub(crate) audience: Vec<String>,
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    pub(crate) listen: SocketAddr,
}

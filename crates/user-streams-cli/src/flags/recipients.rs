//! Whom a command is for.

use clap::Args;

use super::feed::Feed;

/// Users, or audiences.
#[derive(Debug, Args)]
#[group(id = "whom", required = true, multiple = false)]
#[group(args = ["users", "users_from", "everyone", "audience"])]
pub(crate) struct Recipients {
    /// A user's id; several by repeating it.
    #[arg(long = "user", short, value_name = "ID", allow_hyphen_values = true)]
    pub(crate) users: Vec<String>,
    /// The ids in this file, one a line; `-` is standard input. There may be millions.
    #[arg(long, value_name = "FILE")]
    pub(crate) users_from: Option<String>,
    /// How many ids there are, for the progress of what is no file.
    #[arg(long, value_name = "NUMBER", requires = "users_from")]
    pub(crate) total: Option<u64>,
    /// Everyone, by one write; needs the setting `audiences`.
    #[arg(long)]
    pub(crate) everyone: bool,
    /// An audience, by one write; several by repeating it. Needs the setting `audiences`.
    #[arg(long, value_name = "NAME")]
    pub(crate) audience: Vec<String>,
    #[command(flatten)]
    pub(crate) feed: Feed,
}

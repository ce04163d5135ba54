//! Commands that go over everyone's streams.

use clap::{ArgGroup, Args};

use super::feed::Feed;

/// Deletes what `max_len` and `max_age` hide and what is retracted, from everyone's streams and
/// from every feed.
#[derive(Debug, Args)]
pub(crate) struct Trim {
    #[command(flatten)]
    pub(crate) feed: Feed,
    /// From this place on, as an interrupted trim of one feed, or of the main streams, has said.
    #[arg(long, value_name = "PLACE")]
    pub(crate) after: Option<String>,
}

/// Copies everyone's items and marks, in the main streams and in every feed that both sides have.
///
/// Run again it adds what is missing. FROM and TO are each a URL, or a file with settings (TOML, or
/// JSON if its name ends so). Flags and variables count for both sides.
#[derive(Debug, Args)]
pub(crate) struct Copy {
    /// From where.
    pub(crate) from: String,
    /// To where, which is migrated first.
    pub(crate) to: String,
    /// Then compare every item and mark; if they are different the exit code is 3.
    #[arg(long)]
    pub(crate) verify: bool,
    /// Compare alone.
    #[arg(long, conflicts_with = "verify")]
    pub(crate) verify_only: bool,
}

/// Writes everything that is stored as lines of JSON.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Into this file, which is there when it is whole; without, to standard output.
    #[arg(long, short = 'f', value_name = "FILE")]
    pub(crate) to: Option<String>,
}

/// Stores what `export` has written. Run again it adds what is missing.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// From this file; without, from standard input.
    #[arg(long, short = 'f', value_name = "FILE")]
    pub(crate) from: Option<String>,
}

/// Deletes what cannot be read from users' streams, and prints how much it was.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("whose").required(true).multiple(false).args(["user", "all"]))]
pub(crate) struct Repair {
    /// Of this user; several by repeating it.
    #[arg(long, short, value_name = "ID", allow_hyphen_values = true)]
    pub(crate) user: Vec<String>,
    /// Of everyone who has a stream.
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) feed: Feed,
}

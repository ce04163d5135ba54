//! Commands that change streams.

use chrono::{DateTime, FixedOffset};
use clap::{ArgGroup, Args};
use user_streams::Cursor;

use super::{feed::Feed, recipients::Recipients};

/// Puts an item into streams.
///
/// An item is its date and its id, and nobody receives it twice. So a command that names them, by
/// `--created-at` and `--id-from-event` or by `--item`, can be run again whenever it has failed or
/// was interrupted: it completes what is missing. With `--users-from` they have to be named.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").multiple(false).args(["id_from_event", "item"]))]
pub(crate) struct Add {
    #[command(flatten)]
    pub(crate) recipients: Recipients,
    /// The content; `-` reads it from standard input.
    pub(crate) content: String,
    /// Its date, such as `2026-03-01T12:00:00Z`; now if not given.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) created_at: Option<DateTime<FixedOffset>>,
    /// Its id is made of this text, such as `order:7:sent`: the same text, the same item.
    #[arg(long, value_name = "TEXT", requires = "created_at")]
    pub(crate) id_from_event: Option<String>,
    /// The very item that an earlier `add` has printed.
    #[arg(long, value_name = "CURSOR", conflicts_with = "created_at")]
    pub(crate) item: Option<Cursor>,
    /// How long to try again after errors that may pass, such as a server that restarts.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) retry_for: u64,
}

/// Takes an item from streams, and prints from how many.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    #[command(flatten)]
    pub(crate) recipients: Recipients,
    /// The item, as `add` and `list` print it.
    pub(crate) item: Cursor,
}

/// Hides an item from one user; needs the setting `dismissals`.
#[derive(Debug, Args)]
pub(crate) struct Dismiss {
    /// The user's id.
    #[arg(allow_hyphen_values = true)]
    pub(crate) user: String,
    /// The item, as `add` and `list` print it.
    pub(crate) item: Cursor,
    /// Show it again.
    #[arg(long)]
    pub(crate) undo: bool,
    #[command(flatten)]
    pub(crate) feed: Feed,
}

/// Hides an item from all by one write; needs the setting `retractions`.
#[derive(Debug, Args)]
pub(crate) struct Retract {
    /// The item, as `add` and `list` print it.
    pub(crate) item: Cursor,
    /// Show it again.
    #[arg(long)]
    pub(crate) undo: bool,
    #[command(flatten)]
    pub(crate) feed: Feed,
}

pub(super) fn time(text: &str) -> Result<DateTime<FixedOffset>, String> {
    DateTime::parse_from_rfc3339(text)
        .map_err(|_| "expected a date with its offset, such as 2026-03-01T12:00:00Z".to_owned())
}

//! Commands that read a user's stream, and move its marks.

use chrono::{DateTime, FixedOffset};
use clap::{ArgGroup, Args};
use user_streams::Cursor;

use super::writing::time;

/// Whose stream it is.
#[derive(Debug, Args)]
pub(crate) struct Stream {
    /// The user's id.
    #[arg(allow_hyphen_values = true)]
    pub(crate) user: String,
    /// In this feed, which the setting `feeds` declares, and not in the main streams.
    #[arg(long, value_name = "NAME")]
    pub(crate) feed: Option<String>,
    /// Merged with the main streams, or with `--feed`; several by repeating it.
    #[arg(long, value_name = "NAME")]
    pub(crate) merge: Vec<String>,
    /// The user belongs to this audience; several by repeating it.
    #[arg(long, value_name = "NAME")]
    pub(crate) audience: Vec<String>,
}

/// Prints a page of a user's items, newest first: date, cursor and content.
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) stream: Stream,
    /// The items next older than this one: the next page, as the one before says.
    #[arg(long, value_name = "CURSOR", conflicts_with = "before")]
    pub(crate) after: Option<Cursor>,
    /// The items next newer than this one.
    #[arg(long, value_name = "CURSOR")]
    pub(crate) before: Option<Cursor>,
    /// How many items.
    #[arg(long, short = 'n', value_name = "NUMBER", default_value_t = 20)]
    pub(crate) limit: usize,
    /// Created at this instant or later.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<DateTime<FixedOffset>>,
    /// Created before this instant.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<DateTime<FixedOffset>>,
    /// Each item as a line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Prints how many items a user's stream has.
#[derive(Debug, Args)]
pub(crate) struct Count {
    #[command(flatten)]
    pub(crate) stream: Stream,
}

/// Prints how many items a user has not read.
#[derive(Debug, Args)]
pub(crate) struct Unread {
    #[command(flatten)]
    pub(crate) stream: Stream,
    /// Counts no further than this.
    #[arg(long, value_name = "NUMBER", default_value_t = usize::MAX, hide_default_value = true)]
    pub(crate) limit: usize,
    /// By the mark `seen`, and not `read`.
    #[arg(long)]
    pub(crate) seen: bool,
}

/// Moves the mark `read` of a user: to the newest item, or to a place.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("place").multiple(false).args(["up_to", "from"]))]
pub(crate) struct MarkRead {
    #[command(flatten)]
    pub(crate) stream: Stream,
    /// Up to this item.
    #[arg(long, value_name = "CURSOR")]
    pub(crate) up_to: Option<Cursor>,
    /// Unread from this item on; needs `--back` if the mark is further.
    #[arg(long, value_name = "CURSOR")]
    pub(crate) from: Option<Cursor>,
    /// Also back.
    #[arg(long, requires = "place")]
    pub(crate) back: bool,
    /// The mark `seen`, and not `read`.
    #[arg(long)]
    pub(crate) seen: bool,
}

/// Prints a user's items as they come, until it is interrupted or its output is closed.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    #[command(flatten)]
    pub(crate) stream: Stream,
    /// And before that what is newer than this item.
    #[arg(long, value_name = "CURSOR")]
    pub(crate) after: Option<Cursor>,
    /// Ends after so many items.
    #[arg(long, short = 'n', value_name = "NUMBER")]
    pub(crate) limit: Option<u64>,
    /// Each item as a line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

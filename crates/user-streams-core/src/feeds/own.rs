//! The library's own feeds beside some streams.

use super::store::{Store, invalid};
use crate::{
    Error, Result, UserIdKind,
    backend::{Backend, Capability},
};

/// What the names of the library's own feeds begin with.
pub(super) const OWN: &str = "us_";

/// What is to be kept beside the streams, by the settings of these names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Extras {
    pub(crate) item_marks: bool,
    pub(crate) audiences: bool,
    pub(crate) dismissals: bool,
    pub(crate) retractions: bool,
}

impl Extras {
    /// The first of the settings that is on, for an error about any.
    fn named(self) -> &'static str {
        match self {
            Self { item_marks: true, .. } => "item_marks",
            Self { audiences: true, .. } => "audiences",
            Self { dismissals: true, .. } => "dismissals",
            Self { retractions: true, .. } => "retractions",
            Self { .. } => "feeds",
        }
    }
}

/// The library's own feeds beside some streams.
#[derive(Debug, Default, Clone)]
pub(crate) struct OwnFeeds {
    pub(super) item_marks: Option<ItemMarks>,
    /// Of a backend without marks: a mark is the newest item of one.
    pub(super) marks: Option<MarkFeeds>,
    /// The streams of audiences.
    pub(super) audiences: Option<Store>,
    /// What users have dismissed, by its place alone.
    pub(super) dismissed: Option<Store>,
    /// One stream of what is retracted for all, by its place alone.
    pub(super) retracted: Option<Store>,
}

/// Items that are read or unread against the mark, each by its place, without content: some layouts
/// have one content for an item, whoever has it.
#[derive(Debug, Clone)]
pub(crate) struct ItemMarks {
    pub(crate) read: Store,
    pub(crate) unread: Store,
}

impl ItemMarks {
    pub(crate) fn both(&self) -> [&Store; 2] {
        [&self.read, &self.unread]
    }
}

#[derive(Debug, Clone)]
pub(crate) struct MarkFeeds {
    pub(crate) seen: Store,
    pub(crate) read: Store,
}

impl OwnFeeds {
    /// Those beside the streams whose feeds have this suffix.
    pub(super) fn new(main: &dyn Backend, suffix: &str, extras: Extras) -> Result<Self> {
        let capabilities = main.capabilities();
        for (wanted, setting, operation, capability) in [
            (extras.item_marks, "item_marks", "remove_stream_item", Capability::RemoveStreamItem),
            (extras.item_marks, "item_marks", "delete_range", Capability::DeleteRange),
        ] {
            if wanted && !capabilities.has(capability) {
                return Err(invalid(
                    setting,
                    Error::unsupported(capabilities.backend(), operation),
                ));
            }
        }
        let of = |wanted: bool, setting: &str, name: &str, kind: UserIdKind| match wanted {
            true => Store::of(main, &format!("{OWN}{name}{suffix}"), kind)
                .map(Some)
                .map_err(|error| invalid(setting, error)),
            false => Ok(None),
        };
        let (users, text) = (capabilities.user_id(), UserIdKind::Text);
        let keeps_no_marks =
            capabilities.has(Capability::Feeds) && !capabilities.has(Capability::Marks);
        let of_marks = |name| of(keeps_no_marks, extras.named(), name, users);
        let of_items = |name| of(extras.item_marks, "item_marks", name, users);
        Ok(Self {
            item_marks: of_items("read")?
                .zip(of_items("unread")?)
                .map(|(read, unread)| ItemMarks { read, unread }),
            marks: of_marks("mark_seen")?
                .zip(of_marks("mark_read")?)
                .map(|(seen, read)| MarkFeeds { seen, read }),
            audiences: of(extras.audiences, "audiences", "audience", text)?,
            dismissed: of(extras.dismissals, "dismissals", "dismissed", users)?,
            retracted: of(extras.retractions, "retractions", "retracted", text)?,
        })
    }

    /// Those whose streams are of the users, and go with them.
    pub(super) fn of_users(&self) -> impl Iterator<Item = &Store> {
        let marks = self.marks.iter().flat_map(|feeds| [&feeds.seen, &feeds.read]);
        self.item_marks.iter().flat_map(ItemMarks::both).chain(marks).chain(&self.dismissed)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Store> {
        self.of_users().chain(&self.audiences).chain(&self.retracted)
    }
}

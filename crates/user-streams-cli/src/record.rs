//! The lines of an export.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use user_streams::{
    Cursor, ItemId, NewItem, StreamItem, UserId, UserIdKind, maintenance::StoredKind,
};

use crate::failure::Failure;

/// The version of the format.
pub(crate) const VERSION: u32 = 1;
/// The longest line, in bytes.
pub(crate) const MAX_LINE: u64 = 256 << 20;

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Record {
    /// The first line.
    Export(Header),
    Mark(Mark),
    Item(Row),
    Audience(Row),
    Dismissed(Row),
    Retracted(Row),
    Read(Row),
    Unread(Row),
    /// The last line: how many there are between the first and this one.
    End {
        records: u64,
    },
}

/// What is to come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    pub(crate) version: u32,
    pub(crate) user_id: UserIdKind,
    /// The names of the feeds.
    pub(crate) feeds: Vec<String>,
    /// The settings that say what is kept beside the items.
    pub(crate) settings: Vec<String>,
}

/// A mark of a user's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mark {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) feed: Option<String>,
    pub(crate) user: UserId,
    pub(crate) mark: MarkName,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) id: ItemId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MarkName {
    Seen,
    Read,
}

/// An item, or the place of one, in a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) feed: Option<String>,
    /// The user, or the text that stands for an audience.
    pub(crate) user: UserId,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) id: ItemId,
    /// Of places there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<String>,
}

impl Mark {
    pub(crate) fn place(&self) -> Cursor {
        Cursor::new(self.created_at, self.id)
    }
}

impl Row {
    pub(crate) fn new_item(self) -> (UserId, NewItem) {
        let item = NewItem::new(self.content.unwrap_or_default());
        (self.user, item.with_created_at(&self.created_at).with_id(self.id))
    }
}

impl Record {
    pub(crate) fn mark(feed: Option<&str>, user: &UserId, mark: MarkName, place: Cursor) -> Self {
        Self::Mark(Mark {
            feed: feed.map(str::to_owned),
            user: user.clone(),
            mark,
            created_at: place.created_at(),
            id: place.id(),
        })
    }

    pub(crate) fn stored(
        kind: StoredKind,
        feed: Option<&str>,
        user: &UserId,
        item: StreamItem,
    ) -> Result<Self, Failure> {
        let has_content = matches!(kind, StoredKind::Items | StoredKind::Audiences);
        let row = Row {
            feed: feed.map(str::to_owned),
            user: user.clone(),
            created_at: item.created_at.to_utc(),
            id: item.id,
            content: has_content.then_some(item.content),
        };
        Ok(match kind {
            StoredKind::Items => Self::Item(row),
            StoredKind::Audiences => Self::Audience(row),
            StoredKind::Dismissed => Self::Dismissed(row),
            StoredKind::Retracted => Self::Retracted(row),
            StoredKind::Read => Self::Read(row),
            StoredKind::Unread => Self::Unread(row),
            other => {
                let message = format!("this program cannot save {other:?}: use a newer one");
                return Err(Failure::failed(message));
            }
        })
    }

    /// The row and what it is of, if it is one.
    pub(crate) fn into_row(self) -> Option<(StoredKind, Row)> {
        match self {
            Self::Item(row) => Some((StoredKind::Items, row)),
            Self::Audience(row) => Some((StoredKind::Audiences, row)),
            Self::Dismissed(row) => Some((StoredKind::Dismissed, row)),
            Self::Retracted(row) => Some((StoredKind::Retracted, row)),
            Self::Read(row) => Some((StoredKind::Read, row)),
            Self::Unread(row) => Some((StoredKind::Unread, row)),
            Self::Export(_) | Self::Mark(_) | Self::End { .. } => None,
        }
    }
}

/// The setting that switches a kind on.
pub(crate) fn setting(kind: StoredKind) -> Option<&'static str> {
    match kind {
        StoredKind::Audiences => Some("audiences"),
        StoredKind::Dismissed => Some("dismissals"),
        StoredKind::Retracted => Some("retractions"),
        StoredKind::Read | StoredKind::Unread => Some("item_marks"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_as_it_was() {
        let row = Row {
            feed: Some("news".to_owned()),
            user: UserId::from("ann\n"),
            created_at: DateTime::from_timestamp_micros(-1).unwrap(),
            id: ItemId::from_event("a"),
            content: Some("\u{1}☃\"".to_owned()),
        };
        let header = Header {
            version: 1,
            user_id: UserIdKind::Text,
            feeds: vec!["news".to_owned()],
            settings: Vec::new(),
        };
        let place = Cursor::new(row.created_at, row.id);
        for record in [
            Record::Export(header),
            Record::mark(None, &UserId::Int(7), MarkName::Seen, place),
            Record::Dismissed(Row { content: None, ..row.clone() }),
            Record::Item(Row { content: Some(String::new()), ..row.clone() }),
            Record::Item(row),
            Record::End { records: 7 },
        ] {
            let line = serde_json::to_string(&record).unwrap();
            assert_eq!(serde_json::from_str::<Record>(&line).unwrap(), record, "{line}");
        }
    }
}

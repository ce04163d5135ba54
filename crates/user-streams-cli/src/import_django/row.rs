//! A row or a member of the original, and what it is in our terms.

use chrono::{DateTime, Utc};
use user_streams::{NewItem, Streams, UserId, UserIdKind, time};

use super::dates::Zones;
use crate::user_ids;

/// What can be said of a row that cannot be imported.
pub(super) type Problem = String;

/// An item of the original that has no id yet.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) created_at: DateTime<Utc>,
    pub(super) content: String,
}

/// What the target can store, and how the source's dates are meant.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) user_id: UserIdKind,
    pub(super) max_content_len: usize,
    pub(super) zones: Zones,
}

impl Rules {
    pub(super) fn new(target: &Streams, max_content_len: usize, zones: Zones) -> Self {
        Self { user_id: target.capabilities().user_id(), max_content_len, zones }
    }

    /// The user of this primary key, as the source's database writes it.
    pub(super) fn user(&self, key: &str) -> Result<UserId, Problem> {
        user_ids::parse(self.user_id, key).map_err(|failure| failure.line())
    }

    /// The item of this date and content. What the target would refuse later, without saying which
    /// row it is, is refused here.
    pub(super) fn item(
        &self,
        created_at: Result<DateTime<Utc>, Problem>,
        content: Vec<u8>,
    ) -> Result<Item, Problem> {
        let created_at = created_at?;
        let us = time::micros(&created_at);
        if !(time::MIN_MICROS..=time::MAX_MICROS).contains(&us) {
            return Err(format!(
                "the date {created_at} is out of range, which is from July 1684 to June 2255"
            ));
        }
        let content = String::from_utf8(content)
            .map_err(|error| format!("the content is no UTF-8: {}", error.utf8_error()))?;
        if let Some(at) = content.find('\0') {
            return Err(format!("the content has a NUL character at byte {at}"));
        }
        if content.len() > self.max_content_len {
            return Err(format!(
                "the content of {} bytes is longer than the setting `max_content_len`, {}",
                content.len(),
                self.max_content_len
            ));
        }
        Ok(Item { created_at, content })
    }
}

impl Item {
    pub(super) fn with_id(self, id: user_streams::ItemId) -> NewItem {
        NewItem::new(self.content).with_created_at(&self.created_at).with_id(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        Rules {
            user_id: UserIdKind::BigInt,
            max_content_len: 10,
            zones: Zones { dates: None, server: None },
        }
    }

    fn problem(date: &str, content: &[u8]) -> Problem {
        let rules = rules();
        rules.item(rules.zones.of_text(date), content.to_vec()).unwrap_err()
    }

    #[test]
    fn what_cannot_be_stored_is_named() {
        let date = "2012-04-06 09:00:00";
        assert!(problem(date, b"a\0").contains("NUL character at byte 1"));
        assert!(problem(date, b"a\xff").contains("no UTF-8"));
        assert!(problem(date, b"12345678901").contains("11 bytes"));
        assert!(problem("1500-01-01 00:00:00", b"").contains("1684"));
        assert!(problem("infinity", b"").contains("infinity"));
        assert!(rules().user("ann").unwrap_err().contains("\"ann\" is no bigint id"));
    }

    #[test]
    fn an_empty_text_is_an_item() {
        let rules = rules();
        let item = rules.item(rules.zones.of_text("2012-04-06 09:00:00"), Vec::new()).unwrap();
        assert_eq!(item.content, "");
    }
}

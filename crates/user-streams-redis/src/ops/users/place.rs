//! A place in the list of users, as text.

use user_streams_core::{Error, ErrorKind, Result, backend::UsersCursor};

use crate::storage::slots::SLOTS;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// The cursor of `SCAN`, and the server's `run_id`, if it is known: no other server, nor the
    /// same one after a restart, knows that cursor.
    Server { run: String, cursor: u64 },
    /// The slot of a cluster that is next.
    Slot(u16),
}

impl Place {
    /// # Errors
    /// `InvalidCursor`, also for a place of the other topology.
    pub(super) fn parse(text: &UsersCursor, is_cluster: bool) -> Result<Self> {
        let parsed = match text.as_str().split(':').collect::<Vec<_>>()[..] {
            ["slot", slot] if is_cluster => {
                slot.parse().ok().filter(|slot| *slot < SLOTS).map(Self::Slot)
            }
            ["scan", run, cursor] if !is_cluster => {
                let cursor = cursor.parse().ok();
                cursor.map(|cursor| Self::Server { run: run.to_owned(), cursor })
            }
            _ => None,
        };
        parsed.ok_or_else(|| {
            Error::new(ErrorKind::InvalidCursor, "not a place in the list of users of this server")
        })
    }

    pub(super) fn cursor(&self) -> UsersCursor {
        UsersCursor::new(match self {
            Self::Server { run, cursor } => format!("scan:{run}:{cursor}"),
            Self::Slot(slot) => format!("slot:{slot}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_of_its_topology() {
        let slot = Place::Slot(16_383);
        let scan = Place::Server { run: "0123abc".to_owned(), cursor: u64::MAX };
        let unknown = Place::Server { run: String::new(), cursor: 0 };
        for (place, is_cluster) in [(slot, true), (scan, false), (unknown, false)] {
            assert_eq!(Place::parse(&place.cursor(), is_cluster).unwrap(), place);
            let error = Place::parse(&place.cursor(), !is_cluster).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidCursor);
        }
        for text in ["", "slot:16384", "slot:-1", "slot:1:2", "scan:a", "scan:a:b", "scan:1:2:3"] {
            for is_cluster in [false, true] {
                assert!(Place::parse(&UsersCursor::new(text), is_cluster).is_err(), "{text}");
            }
        }
    }
}

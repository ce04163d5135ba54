//! The result of an add.

use serde::{Deserialize, Serialize};

use crate::Cursor;

/// What an add has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Delivery {
    /// The item's `created_at` and id, which together identify it.
    pub item: Cursor,
    /// How many users have received it by this add. A user named twice counts once, and one who had
    /// this very item already does not count.
    pub delivered: u64,
}

impl Delivery {
    /// The item at `item` was delivered to so many users: what a backend returns.
    pub fn new(item: Cursor, delivered: u64) -> Self {
        Self { item, delivered }
    }
}

#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod add;
mod audience;
pub mod backend;
mod bulk;
mod delivery;
mod error;
mod feeds;
mod global;
mod handle;
mod hidden;
mod item;
mod live;
pub mod maintenance;
mod marks;
mod name;
mod observe;
mod recipients;
mod retract;
#[cfg(test)]
mod send_sync;
mod served;
mod settings;
mod stream;
mod streams;
pub mod time;
mod transaction;
mod user;
mod users;

pub use add::Add;
pub use audience::{Audience, Membership, audience, everyone};
pub use backend::{
    OnCorrupt,
    memory::{MemoryBackend, MemoryConfig},
};
pub use delivery::Delivery;
pub use error::{Error, ErrorKind, Result};
pub use global::{add_stream_item, get_stream_items, init};
pub use item::{Cursor, DEFAULT_MAX_CONTENT_LEN, ItemId, NewItem, StreamItem};
pub use name::Name;
pub use recipients::{IntoRecipients, Recipients};
pub use settings::Settings;
pub use stream::{
    CursorPage, CursorPageRequest, MoveMark, Page, PageLink, PageNumber, Paginator, StreamItems,
};
pub use streams::Streams;
pub use transaction::InTransaction;
pub use user::{MAX_TEXT_ID_LEN, ToUserId, UserId, UserIdKind};

#[doc(hidden)]
pub mod __private {
    pub use crate::backend::{Registration, UnlinkedBackend};
    pub use inventory;
}

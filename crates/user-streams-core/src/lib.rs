#![doc = include_str!("../README.md")]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod add;
mod args;
mod backend;
mod capabilities;
mod cursor;
mod cursor_page;
mod driver;
mod environment;
mod error;
mod global;
mod item;
mod item_id;
mod items;
mod memory;
mod option_value;
mod options;
mod page_number;
mod paginator;
mod recipients;
mod registry;
mod settings;
mod streams;
pub mod time;
mod transaction;
mod user;
mod waiting;
mod writes;

pub use add::{Add, Delivery};
pub use args::{
    AddStreamItem, CountQuery, DeleteStream, Delivered, Position, Progress, StreamQuery,
};
pub use backend::Backend;
pub use capabilities::{Capabilities, Capability};
pub use cursor::Cursor;
pub use cursor_page::{CursorPage, CursorPageRequest};
pub use driver::{BackendDriver, ConnectArgs, ConnectFuture};
pub use error::{Error, ErrorKind, Result};
pub use global::{add_stream_item, get_stream_items, init};
pub use item::{DEFAULT_MAX_CONTENT_LEN, NewItem, StreamItem};
pub use item_id::ItemId;
pub use items::StreamItems;
pub use memory::{MemoryBackend, MemoryConfig};
pub use options::Options;
pub use page_number::PageNumber;
pub use paginator::{Page, PageLink, Paginator};
pub use recipients::{Chunk, IntoRecipients, RecipientChunks, RecipientQuery, Recipients};
pub use registry::Registry;
pub use settings::Settings;
pub use streams::Streams;
pub use transaction::InTransaction;
pub use user::{MAX_TEXT_ID_LEN, ToUserId, UserId, UserIdKind};
pub use waiting::{Waiting, WaitingPlace};
pub use writes::Writes;

/// The trait macro that every backend implementation needs, so that a backend crate need not name
/// it itself.
pub use async_trait::async_trait;

#[doc(hidden)]
pub mod __private {
    pub use crate::driver::Registration;
    pub use inventory;
}

//! Items: a string and a timestamp, nothing else.

mod cursor;
mod id;
mod new_item;
mod stream_item;

pub use cursor::Cursor;
pub use id::ItemId;
pub use new_item::{DEFAULT_MAX_CONTENT_LEN, NewItem};
pub use stream_item::StreamItem;

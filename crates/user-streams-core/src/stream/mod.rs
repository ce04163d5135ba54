//! Reading: the lazy stream of a user, and its pages by number and by cursor.

mod cursor_page;
mod digits;
mod items;
mod page;
mod page_links;
mod page_number;
mod paginator;
mod reader;

pub use cursor_page::{CursorPage, CursorPageRequest};
pub use items::StreamItems;
pub use page::Page;
pub use page_links::PageLink;
pub use page_number::PageNumber;
pub use paginator::Paginator;

//! Reading: the lazy stream of a user, and its pages by number and by cursor.

mod cursor_page;
mod items;
mod page_number;
mod paginator;

pub use cursor_page::{CursorPage, CursorPageRequest};
pub use items::StreamItems;
pub use page_number::PageNumber;
pub use paginator::{Page, PageLink, Paginator};

//! Reading: the lazy stream of a user, and its pages by number and by cursor.

mod cursor_page;
mod digits;
mod dismiss;
mod item_marks;
mod items;
mod marks;
mod merge;
mod page;
mod page_links;
mod page_number;
mod paginator;
mod part;
mod reader;
mod subscribe;
mod view;

pub use cursor_page::{CursorPage, CursorPageRequest};
pub use items::StreamItems;
pub use marks::MoveMark;
pub use page::Page;
pub use page_links::PageLink;
pub use page_number::PageNumber;
pub use paginator::Paginator;
pub(crate) use part::Part;
pub(crate) use view::View;

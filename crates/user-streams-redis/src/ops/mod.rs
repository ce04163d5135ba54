//! The operations, one file each.

mod add;
mod content_limit;
mod count;
mod delete;
mod migrate;
mod page;
mod store;

pub(crate) use add::Add;
pub(crate) use count::count;
pub(crate) use delete::delete;
pub(crate) use migrate::migrate;
pub(crate) use page::page;
pub(crate) use store::Store;

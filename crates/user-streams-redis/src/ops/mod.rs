//! The operations, one file each, and what they share.

mod add;
mod content;
mod content_limit;
mod count;
mod delete;
mod migrate;
mod page;
mod part;
mod repair;
mod scan;
mod store;
mod unreached;

pub(crate) use add::Add;
pub(crate) use count::count;
pub(crate) use delete::delete;
pub(crate) use migrate::migrate;
pub(crate) use page::page;
pub(crate) use repair::repair;
pub(crate) use store::{LenEstimate, Store};

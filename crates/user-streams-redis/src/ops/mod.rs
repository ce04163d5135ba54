//! The operations, one file each, and what they share.

mod add;
mod batches;
mod bulk;
mod contains;
mod content;
mod content_limit;
mod count;
mod delete;
mod groups;
mod mark;
mod migrate;
mod newer;
mod page;
mod part;
mod range;
mod remove;
mod repair;
mod scan;
mod store;
mod unreached;
mod users;

pub(crate) use add::Add;
pub(crate) use bulk::bulk_add;
pub(crate) use contains::contains;
pub(crate) use count::count;
pub(crate) use delete::delete;
pub(crate) use mark::{mark, set_mark};
pub(crate) use migrate::migrate;
pub(crate) use newer::count_newer;
pub(crate) use page::page;
pub(crate) use range::delete_range;
pub(crate) use remove::remove;
pub(crate) use repair::repair;
pub(crate) use store::{LenEstimate, Store};
pub(crate) use users::list_users;

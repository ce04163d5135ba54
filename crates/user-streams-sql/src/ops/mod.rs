//! The operations of a backend.

mod add;
mod batch;
mod bulk_add;
mod contains;
mod count;
mod delete;
mod group;
mod identity;
mod list_newer;
mod list_users;
mod mark;
mod merged;
mod migrate;
mod page;
mod ping;
mod purge;
mod recipients;
mod remove;
mod repair;
mod rows;
mod statement;
mod store;
mod transaction;
#[cfg(feature = "postgres")]
mod watch;

pub(crate) use add::add;
pub(crate) use bulk_add::bulk_add;
pub(crate) use contains::contains;
pub(crate) use count::{count, count_newer};
pub(crate) use delete::{delete, delete_range};
pub(crate) use identity::identity;
pub(crate) use list_newer::list_newer;
pub(crate) use list_users::list_users;
pub(crate) use mark::{mark, set_mark};
pub(crate) use merged::{Part, merged};
pub(crate) use migrate::migrate;
pub(crate) use page::page;
pub(crate) use ping::ping;
pub(crate) use purge::purge;
pub(crate) use remove::remove;
pub(crate) use repair::repair;
pub(crate) use store::Store;
pub(crate) use transaction::InTransaction;
#[cfg(feature = "postgres")]
pub(crate) use watch::watch;

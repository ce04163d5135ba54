//! The operations of a backend.

mod add;
mod count;
mod delete;
mod group_commit;
mod identity;
mod migrate;
mod page;
mod ping;
mod purge;
mod repair;
mod rows;
mod store;
mod transaction;

pub(crate) use add::add;
pub(crate) use count::count;
pub(crate) use delete::delete;
pub(crate) use identity::identity;
pub(crate) use migrate::migrate;
pub(crate) use page::page;
pub(crate) use ping::ping;
pub(crate) use purge::purge;
pub(crate) use repair::repair;
pub(crate) use store::Store;
pub(crate) use transaction::InTransaction;

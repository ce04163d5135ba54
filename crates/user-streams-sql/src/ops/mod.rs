//! The operations, one file each.

mod add;
mod add_many;
mod add_one;
mod add_query;
mod add_together;
mod batch;
mod count;
mod delete;
mod deliver;
mod identity;
mod in_transaction;
mod item;
mod migrate;
mod page;
mod purge;
mod retry;
mod store;

pub(crate) use add::add;
pub(crate) use count::count;
pub(crate) use delete::delete;
pub(crate) use identity::identity;
pub(crate) use in_transaction::InTransaction;
pub(crate) use migrate::migrate;
pub(crate) use page::page;
pub(crate) use purge::purge;
pub(crate) use store::Store;

//! The text of every statement, built once per backend, so that each is prepared once per
//! connection. A comment on each lists its parameters.

mod all;
mod bulk;
mod by_limit;
mod contains;
mod deliver;
mod group;
mod item_params;
mod items;
mod keyset;
mod marks;
mod merged;
mod newer;
mod page;
mod ranges;
mod remove;
mod repair;
mod rows_source;
mod users;

pub(crate) use all::Statements;
pub(crate) use bulk::{BulkItems, InsertRows};
pub(crate) use by_limit::limit_in_text;
pub(crate) use deliver::DeliverStatements;
pub(crate) use group::GroupStatements;
pub(crate) use items::{ItemStatements, PURGE_BATCH, WithDeliveries};
pub(crate) use marks::MoveStatements;
pub(crate) use merged::{MergedGroup, MergedParam, MergedRange, MergedShape, MergedStatement};
pub(crate) use page::PageStatements;

//! The text of every statement, built once per backend, so that each is prepared once per
//! connection. A comment on each lists its parameters.

mod all;
mod deliver;
mod group;
mod item_params;
mod items;
mod keys;
mod page;
mod repair;

pub(crate) use all::Statements;
pub(crate) use deliver::DeliverStatements;
pub(crate) use group::{GroupInsert, GroupStatements};
pub(crate) use items::{ItemStatements, PURGE_BATCH};
pub(crate) use page::PageStatements;

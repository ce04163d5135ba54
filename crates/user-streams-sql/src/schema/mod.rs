//! The tables, and the statements on them.

mod format;
mod identity;
mod layout;
mod statements;

pub use format::format_migration;
pub use identity::identity_migration;
pub use layout::{Layout, Schema};
pub(crate) use statements::{
    DeliverStatements, GroupInsert, GroupStatements, ItemStatements, PURGE_BATCH, PageStatements,
    Statements,
};

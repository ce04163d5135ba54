//! The tables, and the statements on them.

mod format;
mod identity;
mod layout;
mod marks;
mod statements;

pub use format::format_migration;
pub use identity::identity_migration;
pub use layout::{Layout, Schema};
pub use marks::marks_migration;
pub(crate) use statements::{
    BulkItems, DeliverStatements, GroupStatements, InsertRows, ItemStatements, MergedGroup,
    MergedParam, MergedRange, MergedShape, MergedStatement, MoveStatements, PURGE_BATCH,
    PageStatements, Statements, WithDeliveries, limit_in_text,
};

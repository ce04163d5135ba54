//! Several streams read as one.

mod arms;
mod page;
mod rows;
mod statements;

pub(crate) use arms::Part;
pub(crate) use page::merged;
pub(super) use statements::MergedStatements;

//! The statements for merged pages, each written once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    Dialect,
    schema::{MergedShape, MergedStatement},
};

/// How many are kept. An application has few: one for each set of feeds that it merges, each power
/// of two of streams, and each direction.
const MAX_KEPT: usize = 256;

/// The statements that have been used.
#[derive(Debug, Default)]
pub(in crate::ops) struct MergedStatements(Mutex<HashMap<MergedShape, Arc<MergedStatement>>>);

impl MergedStatements {
    pub(super) fn get(
        &self,
        dialect: Dialect,
        separate_items: bool,
        shape: MergedShape,
    ) -> Arc<MergedStatement> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(statement) = kept.get(&shape) {
            return Arc::clone(statement);
        }
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        let statement = Arc::new(MergedStatement::new(dialect, separate_items, &shape));
        kept.insert(shape, Arc::clone(&statement));
        statement
    }
}

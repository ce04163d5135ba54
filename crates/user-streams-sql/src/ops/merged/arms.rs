//! The streams that a statement reads.

use std::sync::Arc;

use sea_orm::Value;
use user_streams_core::{Result, UserId, UserIdKind, backend::MergedPart};

use crate::{
    Dialect,
    dialect::values,
    ops::{
        Store,
        rows::{Key, key},
    },
    schema::MergedGroup,
};

/// Older than every item.
const OLDEST: Key = (i64::MIN, i64::MIN);

/// A stream to read, or one whose items are left out.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(super) store: Arc<Store>,
    pub(super) user: UserId,
    newer_than: Option<Key>,
}

impl Part {
    /// A stream of this store.
    ///
    /// # Errors
    /// `InvalidUserId` if the id is not of the store's kind.
    pub(crate) fn new(store: Arc<Store>, part: MergedPart) -> Result<Self> {
        part.user.check(store.schema.user_id)?;
        Ok(Self { store, user: part.user, newer_than: part.newer_than.map(key) })
    }
}

/// Streams in the order of their tables, and of each table as many as a power of two: what is
/// missing is nobody's. So few statements serve any number of streams.
#[derive(Debug, Default)]
pub(super) struct Arms {
    pub(super) groups: Vec<MergedGroup>,
    arms: Vec<Arm>,
}

#[derive(Debug)]
struct Arm {
    kind: UserIdKind,
    part: Option<Part>,
}

impl Arms {
    pub(super) fn new(mut parts: Vec<Part>) -> Self {
        parts.sort_by(|a, b| a.store.schema.table.cmp(&b.store.schema.table));
        let mut all = Self::default();
        for group in parts.chunk_by(|a, b| a.store.schema.table == b.store.schema.table) {
            let Some(first) = group.first() else { continue };
            let (schema, streams) = (&first.store.schema, group.len().next_power_of_two());
            all.groups.push(MergedGroup { table: schema.table.clone(), streams });
            let parts = group.iter().cloned().map(Some).chain(std::iter::repeat(None));
            let arm = |part| Arm { kind: schema.user_id, part };
            all.arms.extend(parts.take(streams).map(arm));
        }
        all
    }

    pub(super) fn len(&self) -> usize {
        self.arms.len()
    }

    /// The stream of this number.
    pub(super) fn part(&self, number: usize) -> Option<&Part> {
        self.arms.get(number)?.part.as_ref()
    }

    pub(super) fn are_bounded(&self) -> bool {
        (0..self.arms.len()).any(|number| self.bound(number).is_some())
    }

    /// Where this stream begins, if not at its end.
    pub(super) fn bound(&self, number: usize) -> Option<Key> {
        self.part(number)?.newer_than
    }

    /// The id of its user.
    pub(super) fn user(&self, dialect: Dialect, number: usize) -> Value {
        match self.arms.get(number) {
            Some(Arm { part: Some(part), .. }) => values::user(dialect, &part.user),
            Some(Arm { kind, part: None }) => values::nobody(dialect, *kind),
            None => Value::BigInt(None),
        }
    }

    /// The keyset of where it begins.
    pub(super) fn bound_values(&self, dialect: Dialect, number: usize) -> Vec<Value> {
        values::keyset(dialect, self.bound(number).unwrap_or(OLDEST))
    }
}

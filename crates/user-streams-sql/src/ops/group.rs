//! How a group of adds is stored: by one statement and one commit.
//!
//! The statements assume that nobody has any of the items. If one fails, nothing is stored, and
//! each add of the group is then made by itself, with its own count and its own error.

use std::sync::Arc;

use tokio::time::Instant;
use user_streams_core::{
    Error, Result, UserIdKind,
    backend::{Group, SingleAdd, StoreGroup, async_trait},
};

use super::batch;
use crate::{
    Dialect, Layout, Schema,
    dialect::Row,
    live::{self, Note, Telling},
    pool::{Access, Executor, Limits, Pools, end_transaction},
    schema::GroupStatements,
};

/// Bytes of one group, unless a single add has more.
const MAX_BYTES: usize = 1 << 20;
/// How many groups are stored at once: while one is answered, the next one is under way, or waits
/// for SQLite's one connection that writes. With more of them each would be smaller.
const LEADERS: usize = 2;

/// What a group needs.
#[derive(Debug, Clone)]
pub(super) struct GroupStore {
    pools: Pools,
    statements: Arc<GroupStatements>,
    user_id: UserIdKind,
    telling: Option<Telling>,
}

impl GroupStore {
    /// The adds that wait. `None` where users are rows of the application, which a group would lock
    /// together: whoever holds one of them would hold up the others' adds.
    pub(super) fn group<L: Layout>(
        pools: &Pools,
        schema: &Schema,
        telling: Option<&Telling>,
    ) -> Option<Group<Self>> {
        (pools.dialect == Dialect::Sqlite || schema.users.is_none()).then(|| {
            let store = Self {
                pools: pools.clone(),
                statements: Arc::new(GroupStatements::new::<L>(schema)),
                user_id: schema.user_id,
                telling: telling.cloned(),
            };
            Group::new(store, LEADERS)
        })
    }

    async fn insert(&self, executor: &mut dyn Executor, adds: &[SingleAdd]) -> Result<()> {
        if self.statements.items.is_none() && executor.autocommits() {
            return self.insert_rows(executor, adds).await;
        }
        executor.begin().await?;
        let inserted = self.insert_rows(executor, adds).await;
        end_transaction(executor, inserted).await
    }

    /// The rows of each table are in the order of its primary key, so that groups wait for each
    /// other and do not deadlock.
    async fn insert_rows(&self, executor: &mut dyn Executor, adds: &[SingleAdd]) -> Result<()> {
        let (dialect, kind) = (self.pools.dialect, self.user_id);
        let GroupStatements { separate_items, items, with, deliveries } = &*self.statements;
        let mut rows: Vec<_> = adds.iter().map(row).collect();
        if *separate_items {
            rows.sort_unstable_by_key(|row| (row.id, row.created_at_us, row.user));
        } else {
            rows.sort_unstable_by_key(|row| (row.user, row.created_at_us, row.id));
        }
        if let Some(items) = items {
            let stored: Vec<_> = rows.iter().map(|row| Row { user: None, ..*row }).collect();
            let (sql, values) = items.statement(dialect, kind, &stored);
            executor.execute(&sql, values).await?;
            rows.iter_mut().for_each(|row| row.content = None);
            rows.sort_unstable_by_key(|row| (row.user, row.created_at_us, row.id));
        }
        let notes: Vec<_> = self.telling.iter().flat_map(|telling| notes(telling, adds)).collect();
        let (sql, values) = deliveries.statement(dialect, kind, &rows);
        live::execute_all(executor, with, &sql, values, &notes).await
    }
}

#[async_trait]
impl StoreGroup for GroupStore {
    type Lead = Box<dyn Executor>;

    const MAX_ADDS: usize = 128;

    async fn lead(&self, since: Instant, deadline: Instant) -> Result<Box<dyn Executor>> {
        let limits = Limits::for_call(&self.pools.timeouts).until(deadline).waiting_since(since);
        self.pools.lease_uncounted(Access::Write, limits).await
    }

    fn room(&self, executor: &Box<dyn Executor>) -> usize {
        batch::room(&**executor).min(MAX_BYTES)
    }

    fn size(add: &SingleAdd) -> usize {
        row(add).size()
    }

    async fn store(
        &self,
        adds: Vec<SingleAdd>,
        executor: Box<dyn Executor>,
    ) -> Result<Vec<Option<u64>>> {
        let count = adds.len();
        // Who leads has waited for the longest time.
        let limits = Limits::for_call(&self.pools.timeouts);
        let this = self.clone();
        let work = |mut executor: Box<dyn Executor>| async move {
            executor.store_group(limits);
            this.insert(&mut *executor, &adds).await
        };
        self.pools.run_on(Access::Write, executor, limits, work).await?;
        Ok(vec![Some(1); count])
    }

    fn timeout_error(&self) -> Error {
        self.pools.timeout_error(Access::Write, &Limits::for_call(&self.pools.timeouts))
    }
}

fn notes(telling: &Telling, adds: &[SingleAdd]) -> impl Iterator<Item = Note> {
    let note =
        |add: &SingleAdd| telling.item(Some(std::slice::from_ref(&add.user)), add.item.cursor());
    adds.iter().map(note)
}

fn row(add: &SingleAdd) -> Row<'_> {
    Row {
        user: Some(&add.user),
        created_at_us: add.item.created_at_us(),
        id: add.item.id().get(),
        content: Some(add.item.content()),
    }
}

//! Handles for most tests: both layouts, over a pool of their own and over an application's.

use sea_orm::{DatabaseConnection, DbBackend};
use user_streams_core::{
    IntoRecipients, NewItem, StreamItem, Streams, UserIdKind, backend::Backend,
};
use user_streams_many_to_many::ManyToManyBackend;
use user_streams_single_table::{SingleTableBackend, SingleTableConfig};

use crate::database::{TestDatabase, connect};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    SingleTable,
    ManyToMany,
}

pub(crate) const LAYOUTS: [Layout; 2] = [Layout::SingleTable, Layout::ManyToMany];

/// Streams in a table of their own.
pub(crate) struct Handle {
    pub(crate) streams: Streams,
    pub(crate) layout: Layout,
    pub(crate) table: String,
}

/// Each layout over each kind of pool, migrated.
pub(crate) async fn handles(config: &SingleTableConfig, connections: u32) -> Vec<Handle> {
    let mut handles = own(config, connections).await;
    handles.extend(application(config, connections).await);
    handles
}

/// Each layout over a pool of its own.
pub(crate) async fn own(config: &SingleTableConfig, connections: u32) -> Vec<Handle> {
    let mut handles = Vec::new();
    for layout in LAYOUTS {
        let handle = own_unmigrated(layout, config.clone().with_max_connections(connections)).await;
        handles.push(handle.migrated().await);
    }
    handles
}

/// Each layout over an application's pool.
pub(crate) async fn application(config: &SingleTableConfig, connections: u32) -> Vec<Handle> {
    let mut handles = Vec::new();
    for layout in LAYOUTS {
        let pool = connect(&config.url, connections).await;
        handles.push(over(&pool, layout, config.clone()).migrated().await);
    }
    handles
}

pub(crate) async fn own_unmigrated(layout: Layout, config: SingleTableConfig) -> Handle {
    own_in(layout, with_table(config, "own", layout)).await
}

/// In the table of the configuration.
pub(crate) async fn own_in(layout: Layout, config: SingleTableConfig) -> Handle {
    let table = config.table.clone().unwrap();
    let backend: Box<dyn Backend> = match layout {
        Layout::SingleTable => Box::new(SingleTableBackend::connect(config).await.unwrap()),
        Layout::ManyToMany => Box::new(ManyToManyBackend::connect(config).await.unwrap()),
    };
    Handle { streams: Streams::from_backend(backend), layout, table }
}

/// Over this pool of an application.
pub(crate) fn over(pool: &DatabaseConnection, layout: Layout, config: SingleTableConfig) -> Handle {
    over_in(pool, layout, with_table(config, "application", layout))
}

/// The same in the table of the configuration.
pub(crate) fn over_in(
    pool: &DatabaseConnection,
    layout: Layout,
    config: SingleTableConfig,
) -> Handle {
    let table = config.table.clone().unwrap();
    let backend: Box<dyn Backend> = match layout {
        Layout::SingleTable => Box::new(SingleTableBackend::new(pool.clone(), config).unwrap()),
        Layout::ManyToMany => Box::new(ManyToManyBackend::new(pool.clone(), config).unwrap()),
    };
    Handle { streams: Streams::from_backend(backend), layout, table }
}

fn with_table(config: SingleTableConfig, pool: &str, layout: Layout) -> SingleTableConfig {
    config.with_table(match layout {
        Layout::SingleTable => format!("{pool}_single"),
        Layout::ManyToMany => format!("{pool}_many"),
    })
}

impl Handle {
    pub(crate) async fn migrated(self) -> Self {
        let migrated = self.streams.migrate().await;
        migrated.unwrap_or_else(|error| panic!("{}: {error:?}", self.name()));
        self
    }

    /// The backend itself.
    pub(crate) fn backend(&self) -> &dyn Backend {
        &**self.streams.downcast_ref::<Box<dyn Backend>>().unwrap()
    }

    /// The kind of its ids.
    pub(crate) fn kind(&self) -> UserIdKind {
        self.streams.capabilities().user_id()
    }

    /// Its name in messages.
    pub(crate) fn name(&self) -> &str {
        &self.table
    }

    /// The quoted name of the table of deliveries.
    pub(crate) fn quoted_table(&self, backend: DbBackend) -> String {
        let mark = if backend == DbBackend::MySql { '`' } else { '"' };
        format!("{mark}{}{mark}", self.table)
    }

    /// Adds and returns how many received it; panics on an error.
    pub(crate) async fn add(&self, to: impl IntoRecipients, item: impl Into<NewItem>) -> u64 {
        let delivery = self.streams.add_stream_item(to, item).await;
        delivery.unwrap_or_else(|error| panic!("{}: an add: {error:?}", self.name())).delivered
    }

    /// The first items of a user; panics on an error.
    pub(crate) async fn items(&self, user: i64) -> Vec<StreamItem> {
        let items = self.streams.get_stream_items(user).slice(..20).await;
        items.unwrap_or_else(|error| panic!("{}: a read: {error:?}", self.name()))
    }

    /// The content of a user's first items; panics on an error.
    pub(crate) async fn contents(&self, user: i64) -> Vec<String> {
        self.items(user).await.into_iter().map(|item| item.content).collect()
    }

    /// How many items of a user are stored, as another connection sees it.
    pub(crate) async fn stored(&self, database: &TestDatabase, user: i64) -> i64 {
        let count = format!("SELECT COUNT(*) FROM {} WHERE user_id = {user}", self.table);
        database.number(&count).await
    }

    /// How many deliveries are stored, as another connection sees it.
    pub(crate) async fn stored_total(&self, database: &TestDatabase) -> i64 {
        database.number(&format!("SELECT COUNT(*) FROM {}", self.table)).await
    }
}

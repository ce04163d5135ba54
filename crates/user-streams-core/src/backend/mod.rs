//! For authors of backends: the contract, its arguments, and how a backend introduces itself.

mod args;
mod capabilities;
mod contract;
mod corrupt;
mod driver;
mod group;
pub(crate) mod memory;
mod registry;
mod wait_limit;
mod writes;

pub use args::{
    AddStreamItem, BulkAdd, Contains, CountNewer, CountQuery, DeleteRange, DeleteStream, Hint,
    Hints, ListNewer, ListUsers, MarkQuery, MergedPart, MergedQuery, Position, Progress,
    RemoveStreamItem, RepairStream, SetMark, StreamQuery, Than, UsersCursor, UsersPage,
};
pub use capabilities::{Capabilities, Capability};
pub use contract::Backend;
pub use corrupt::{OnCorrupt, corrupt_item};
pub use driver::{BackendDriver, ConnectArgs, ConnectFuture};
#[doc(hidden)]
pub use driver::{Registration, UnlinkedBackend};
pub use group::{Group, GroupPermit, Grouped, SingleAdd, StoreGroup};
pub use registry::Registry;
pub use wait_limit::{WaitLimit, WaitPermit};
pub use writes::Writes;

pub use crate::{
    observe::{ConnectionMetrics, OpenConnection, UsedConnection, WaitingCall},
    recipients::{Chunk, RecipientChunks, RecipientQuery},
    register_backend,
    settings::{Options, timeout},
};
/// The attribute of every implementation of [`Backend`], so that a backend crate need not name it
/// itself.
pub use async_trait::async_trait;

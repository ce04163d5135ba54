//! What a backend can do.

use crate::UserIdKind;

/// An optional operation or promise of a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// [`Backend::migrate`](crate::backend::Backend::migrate).
    Migrate,
    /// [`Backend::delete_stream`](crate::backend::Backend::delete_stream).
    DeleteStream,
    /// [`Backend::purge`](crate::backend::Backend::purge).
    Purge,
    /// A broadcast is stored whole or not at all, also if its recipients fail half-way.
    AtomicBroadcast,
    /// What is stored outlives the backend value.
    Durable,
    /// [`Backend::in_transaction`](crate::backend::Backend::in_transaction).
    InTransaction,
    /// [`Backend::repair_stream`](crate::backend::Backend::repair_stream).
    RepairStream,
    /// [`Backend::remove_stream_item`](crate::backend::Backend::remove_stream_item).
    RemoveStreamItem,
    /// [`Backend::delete_range`](crate::backend::Backend::delete_range).
    DeleteRange,
    /// [`Backend::count_newer`](crate::backend::Backend::count_newer).
    CountNewer,
    /// [`Backend::contains`](crate::backend::Backend::contains).
    Contains,
    /// [`Backend::bulk_add`](crate::backend::Backend::bulk_add).
    BulkAdd,
    /// [`Backend::list_users`](crate::backend::Backend::list_users).
    ListUsers,
    /// [`Backend::mark`](crate::backend::Backend::mark) and
    /// [`Backend::set_mark`](crate::backend::Backend::set_mark).
    Marks,
    /// [`Backend::feed`](crate::backend::Backend::feed).
    Feeds,
    /// [`Backend::get_merged`](crate::backend::Backend::get_merged).
    GetMerged,
    /// [`Backend::list_newer`](crate::backend::Backend::list_newer).
    ListNewer,
    /// [`Backend::watch`](crate::backend::Backend::watch).
    Watch,
}

impl Capability {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Migrate,
        Self::DeleteStream,
        Self::Purge,
        Self::AtomicBroadcast,
        Self::Durable,
        Self::InTransaction,
        Self::RepairStream,
        Self::RemoveStreamItem,
        Self::DeleteRange,
        Self::CountNewer,
        Self::Contains,
        Self::BulkAdd,
        Self::ListUsers,
        Self::Marks,
        Self::Feeds,
        Self::GetMerged,
        Self::ListNewer,
        Self::Watch,
    ];
}

/// What a backend is called, whom it knows, and which optional operations it has.
///
/// ```
/// use user_streams_core::{
///     UserIdKind,
///     backend::{Capabilities, Capability},
/// };
///
/// let capabilities =
///     Capabilities::new("my-backend", UserIdKind::Uuid).with(Capability::DeleteStream);
/// assert!(capabilities.has(Capability::DeleteStream));
/// assert!(!capabilities.has(Capability::Migrate));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Capabilities {
    backend: &'static str,
    system: &'static str,
    user_id: UserIdKind,
    flags: u32,
    copies: u8,
}

impl Capabilities {
    /// A backend of this name that takes ids of one kind and has the required operations alone.
    pub const fn new(backend: &'static str, user_id: UserIdKind) -> Self {
        Self { backend, system: backend, user_id, flags: 0, copies: 1 }
    }

    /// The same with `capability`.
    #[must_use]
    pub const fn with(mut self, capability: Capability) -> Self {
        self.flags |= 1 << capability as u32;
        self
    }

    /// The same without `capability`, for a decorator that takes one away.
    #[must_use]
    pub const fn without(mut self, capability: Capability) -> Self {
        self.flags &= !(1 << capability as u32);
        self
    }

    /// The same on this database system, named as OpenTelemetry's `db.system.name` has it:
    /// `postgresql`, `mysql`. Without it that is the backend's name.
    #[must_use]
    pub const fn with_system(mut self, system: &'static str) -> Self {
        self.system = system;
        self
    }

    /// The same where a stream that everyone reads is better kept in so many copies, of which each
    /// reader takes one: a cluster's servers then share the readers of an audience. Constant over
    /// the life of a store.
    #[must_use]
    pub const fn with_copies(mut self, copies: u8) -> Self {
        self.copies = copies;
        self
    }

    /// Whether the backend has `capability`.
    pub const fn has(&self, capability: Capability) -> bool {
        self.flags & (1 << capability as u32) != 0
    }

    /// The backend's name, as errors show it.
    pub const fn backend(&self) -> &'static str {
        self.backend
    }

    /// The database system, as spans and metrics show it.
    pub const fn system(&self) -> &'static str {
        self.system
    }

    /// In how many copies a stream that everyone reads is kept.
    pub const fn copies(&self) -> u8 {
        self.copies
    }

    /// The one kind of user id that the backend takes.
    pub const fn user_id(&self) -> UserIdKind {
        self.user_id
    }
}

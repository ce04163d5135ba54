//! Items as they come, by server-sent events.

mod connections;
mod events;

pub(crate) use connections::Connections;
pub(crate) use events::events;

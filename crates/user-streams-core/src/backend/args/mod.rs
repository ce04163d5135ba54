//! What the operations of a backend take: structs that can grow without breaking a backend.

mod add;
mod delete;
mod mark;
mod merged;
mod read;
mod users;
mod watch;

pub use add::{AddStreamItem, BulkAdd, Progress, RemoveStreamItem};
pub use delete::{DeleteRange, DeleteStream, RepairStream};
pub use mark::{MarkQuery, SetMark};
pub use merged::{MergedPart, MergedQuery};
pub use read::{Contains, CountNewer, CountQuery, Position, StreamQuery, Than};
pub use users::{ListUsers, UsersCursor, UsersPage};
pub use watch::{Hint, Hints, ListNewer};

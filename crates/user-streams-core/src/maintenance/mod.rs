//! What an operator runs over everyone's streams.

mod copy;
mod everyone;
mod pair;
mod stored;
mod trim;
mod verify;

pub use crate::backend::UsersCursor;
pub use copy::{Copied, CopyTo};
pub use stored::{Stored, StoredKind};
pub use trim::{Trim, Trimmed};
pub use verify::{Verification, Verify};

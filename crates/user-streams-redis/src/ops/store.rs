//! What all operations need.

use fred::bytes::Bytes;
use tokio::time::Instant;
use user_streams_core::{Result, UserIdKind};

use crate::{
    client::{
        Executor,
        command::{Command, Range},
    },
    reply,
    storage::keys::Keys,
};

/// The streams of a backend.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) executor: Executor,
    pub(crate) keys: Keys,
    pub(crate) user_id: UserIdKind,
    /// From how many bytes on content for several recipients is shared; never if `None`.
    pub(crate) shared_content_min_len: Option<usize>,
}

impl Store {
    /// A range of the stream at `key`.
    pub(super) async fn range(
        &self,
        deadline: Instant,
        key: &Bytes,
        range: Range,
    ) -> Result<Vec<Bytes>> {
        let members = self.executor.one(deadline, Command::range(key.clone(), range)).await?;
        reply::byte_strings(members)
    }
}

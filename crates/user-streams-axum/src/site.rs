//! What all requests share.

use std::sync::Arc;

use user_streams_core::{Streams, UserId};

use crate::{answer::Fresh, live::Connections, options::Options, viewer::Who};

pub(crate) struct Site {
    pub(crate) streams: Streams,
    pub(crate) who: Who,
    pub(crate) options: Options,
    pub(crate) connections: Arc<Connections>,
    /// Present if answers are fresh for a while.
    pub(crate) fresh: Option<Fresh>,
}

impl Site {
    /// Something of this user has changed.
    pub(crate) fn forget(&self, user: &UserId) {
        if let Some(fresh) = &self.fresh {
            fresh.forget(user);
        }
    }
}

pub(crate) type Shared = Arc<Site>;

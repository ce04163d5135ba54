//! What all requests share.

use std::sync::Arc;

use user_streams_core::Streams;

use crate::{live::Connections, options::Options, viewer::Who};

pub(crate) struct Site {
    pub(crate) streams: Streams,
    pub(crate) who: Who,
    pub(crate) options: Options,
    pub(crate) connections: Arc<Connections>,
}

pub(crate) type Shared = Arc<Site>;

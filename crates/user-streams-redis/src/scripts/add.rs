//! Adds one item to some streams.

use fred::{bytes::Bytes, types::Value};
use user_streams_core::{Cursor, NewItem};

use crate::{
    client::command::{Command, Notice, Script},
    storage::{keys::Keys, member},
};

static ADD: Script = Script::new(concat!(
    include_str!("insert.lua"),
    include_str!("foreign.lua"),
    include_str!("add.lua")
));

/// The same, and tells it.
static ADD_AND_TELL: Script = Script::new(concat!(
    include_str!("tell.lua"),
    include_str!("insert.lua"),
    include_str!("foreign.lua"),
    include_str!("add.lua")
));

/// An item, encoded once for all its recipients.
#[derive(Debug, Clone)]
pub(crate) struct EncodedItem {
    cursor: Cursor,
    score: Bytes,
    member: Bytes,
    /// The key of the shared content and the content, if it is not in the member.
    shared: Option<(Bytes, Bytes)>,
}

impl EncodedItem {
    /// With the content in the member.
    pub(crate) fn new(item: &NewItem) -> Self {
        let score = item.created_at_us().to_string().into();
        Self { cursor: item.cursor(), score, member: member::encode(item), shared: None }
    }

    /// With the content at a key of its own.
    pub(crate) fn shared(item: &NewItem, keys: &Keys) -> Self {
        let key = keys.shared_content(item.created_at_us(), item.id().get());
        Self {
            cursor: item.cursor(),
            score: item.created_at_us().to_string().into(),
            member: member::encode_shared(item),
            shared: Some((key, Bytes::copy_from_slice(item.content().as_bytes()))),
        }
    }

    /// Its place.
    pub(crate) fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// The key of the content, if it is shared.
    pub(crate) fn content_key(&self) -> Option<&Bytes> {
        self.shared.as_ref().map(|(key, _)| key)
    }

    /// Adds the item to the streams at these keys, and tells it. [`changed`](crate::reply::changed)
    /// reads the reply.
    pub(crate) fn add_to(&self, mut streams: Vec<Bytes>, notice: Option<Notice>) -> Command {
        let (key, content) = self.shared.clone().unzip();
        streams.extend(key);
        let args = [self.score.clone(), self.member.clone()].into_iter().chain(content);
        let args = args.map(Value::from);
        match notice {
            None => ADD.run(streams, args),
            Some(notice) => ADD_AND_TELL.run(streams, args).telling(notice),
        }
    }
}

//! Recipients in chunks, as a backend takes them.

use std::{fmt, mem, vec};

use futures_util::TryStreamExt;

use crate::{Result, UserId, UserIdKind, recipients::source::Source};

/// Recipients in chunks; see [`Recipients::into_chunks`](crate::Recipients::into_chunks).
pub struct RecipientChunks {
    source: Source,
    kind: UserIdKind,
    size: usize,
}

/// Some of the recipients.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chunk {
    /// The users, all of one kind; one may be named twice.
    pub users: Vec<UserId>,
    /// Whether it is known that no chunk follows.
    pub last: bool,
}

impl RecipientChunks {
    pub(crate) fn new(source: Source, kind: UserIdKind, size: usize) -> Self {
        Self { source, kind, size: size.max(1) }
    }

    /// The next chunk, which is never empty; `None` at the end.
    ///
    /// # Errors
    /// `InvalidUserId` if an id is of the wrong kind; `Recipients` if the stream of recipients
    /// fails.
    pub async fn next(&mut self) -> Result<Option<Chunk>> {
        let mut last = false;
        let users = match &mut self.source {
            Source::Users(users) => {
                last = users.len() <= self.size;
                // All of them are not even copied.
                if last {
                    mem::take(users).collect()
                } else {
                    users.by_ref().take(self.size).collect()
                }
            }
            Source::Stream(stream) => {
                let mut users = Vec::new();
                while users.len() < self.size {
                    let Some(user) = stream.try_next().await? else {
                        last = true;
                        break;
                    };
                    users.push(user);
                }
                users
            }
            Source::Query(_) | Source::Audiences(_) => Vec::new(),
        };
        users.iter().try_for_each(|user| user.check(self.kind))?;
        if last {
            // A stream that has ended must not be polled again.
            self.source = Source::Users(vec::IntoIter::default());
        }
        Ok((!users.is_empty()).then_some(Chunk { users, last }))
    }
}

impl fmt::Debug for RecipientChunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecipientChunks")
            .field("kind", &self.kind)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

//! Who receives an item: one user, many, an iterator, a stream, or a query that the backend runs
//! itself.

mod chunks;
mod into_recipients;
mod source;

use std::{any::Any, error::Error as StdError, fmt, vec};

use futures_core::stream::Stream;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{Audience, Error, ErrorKind, Result, ToUserId, UserId, UserIdKind};
pub use chunks::{Chunk, RecipientChunks};
pub use into_recipients::IntoRecipients;
pub use source::RecipientQuery;
use source::Source;

/// The recipients of an item.
///
/// Made from one user, a `Vec`, a slice, an array or a set of users by [`IntoRecipients`], and from
/// anything longer by [`iter`](Self::iter), [`stream`](Self::stream) and
/// [`try_stream`](Self::try_stream), which are read in chunks, so that memory stays flat however
/// many there are.
pub struct Recipients(Source);

impl Recipients {
    /// The users of an iterator, taken as they are needed.
    ///
    /// ```
    /// # use user_streams_core::Recipients;
    /// Recipients::iter(1..=10_000_000_i64);
    /// ```
    pub fn iter<I>(users: I) -> Self
    where
        I: IntoIterator<Item: ToUserId, IntoIter: Send + 'static>,
    {
        Self::stream(stream::iter(users))
    }

    /// The users of an async stream, taken as they are needed.
    pub fn stream(users: impl Stream<Item: ToUserId> + Send + 'static) -> Self {
        Self(Source::Stream(users.map(|user| Ok(user.to_user_id())).boxed()))
    }

    /// The users of an async stream that may fail. Where the backend's broadcasts are atomic
    /// ([`Capability::AtomicBroadcast`](crate::backend::Capability::AtomicBroadcast)), a failure
    /// stores nothing.
    pub fn try_stream<S, T, E>(users: S) -> Self
    where
        S: Stream<Item = Result<T, E>> + Send + 'static,
        T: ToUserId,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let failed = |error: E| {
            Error::new(ErrorKind::Recipients, "the stream of recipients failed").with_source(error)
        };
        Self(Source::Stream(users.map_ok(|user| user.to_user_id()).map_err(failed).boxed()))
    }

    /// The users of a query.
    pub fn query(query: impl RecipientQuery) -> Self {
        Self(Source::Query(Box::new(query)))
    }

    /// The query, if these are the recipients of a query of this type.
    ///
    /// # Errors
    /// Gives the recipients back if they are not.
    pub fn query_as<Q: RecipientQuery>(self) -> Result<Box<Q>, Self> {
        match self.0 {
            Source::Query(query) if (&*query as &dyn Any).is::<Q>() => (query as Box<dyn Any>)
                .downcast()
                .map_err(|_| Self(Source::Users(vec::IntoIter::default()))),
            other => Err(Self(other)),
        }
    }

    /// The users in chunks of up to `size`, each checked to be of `kind`.
    ///
    /// # Errors
    /// `Recipients` if these are the recipients of a query that the backend of this name cannot
    /// run.
    pub fn into_chunks(
        self,
        backend: &'static str,
        kind: UserIdKind,
        size: usize,
    ) -> Result<RecipientChunks> {
        let source = match self.0 {
            Source::Query(query) => Source::Stream(query.into_stream(backend)?),
            Source::Audiences(_) => {
                let message = "an audience is no list of users: give it to `Streams`, with the \
                               setting `audiences`";
                return Err(Error::new(ErrorKind::Recipients, message).with_backend(backend));
            }
            other => other,
        };
        Ok(RecipientChunks::new(source, kind, size))
    }

    pub(crate) fn users(users: Vec<UserId>) -> Self {
        Self(Source::Users(users.into_iter()))
    }

    pub(crate) fn audiences(audiences: Vec<Audience>) -> Self {
        Self(Source::Audiences(audiences))
    }

    /// The audiences, if these are some.
    pub(crate) fn as_audiences(&self) -> Option<&[Audience]> {
        match &self.0 {
            Source::Audiences(audiences) => Some(audiences),
            Source::Users(_) | Source::Stream(_) | Source::Query(_) => None,
        }
    }

    /// The ids that are at hand, unless they come from a stream or a query.
    pub(crate) fn known(&self) -> Option<&[UserId]> {
        match &self.0 {
            Source::Users(users) => Some(users.as_slice()),
            Source::Stream(_) | Source::Query(_) | Source::Audiences(_) => None,
        }
    }

    /// Checks the ids that are at hand, before any I/O.
    pub(crate) fn check(&self, kind: UserIdKind) -> Result<()> {
        self.known().unwrap_or_default().iter().try_for_each(|user| user.check(kind))
    }
}

impl fmt::Debug for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Users(users) => write!(f, "Recipients({} users)", users.len()),
            Source::Stream(_) => f.write_str("Recipients(stream)"),
            Source::Query(query) => write!(f, "Recipients({query:?})"),
            Source::Audiences(audiences) => write!(f, "Recipients({audiences:?})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sizes(recipients: impl IntoRecipients) -> Vec<(usize, bool)> {
        let mut chunks =
            recipients.into_recipients().into_chunks("test", UserIdKind::BigInt, 2).unwrap();
        let mut sizes = Vec::new();
        while let Some(chunk) = chunks.next().await.unwrap() {
            sizes.push((chunk.users.len(), chunk.last));
        }
        assert_eq!(chunks.next().await.unwrap(), None);
        sizes
    }

    #[tokio::test]
    async fn every_form_comes_in_chunks() {
        assert_eq!(sizes(1).await, [(1, true)]);
        assert_eq!(sizes([1; 4]).await, [(2, false), (2, true)]);
        assert_eq!(sizes(vec![1, 2, 3]).await, [(2, false), (1, true)]);
        assert_eq!(sizes(&[1_i64, 2][..]).await, [(2, true)]);
        assert_eq!(sizes(Vec::<i64>::new()).await, []);
        assert_eq!(sizes(Recipients::iter(1..=3)).await, [(2, false), (1, true)]);
        assert_eq!(sizes(Recipients::stream(stream::iter([1, 2]))).await, [(2, false)]);
        assert_eq!(sizes(Recipients::iter(Vec::<i64>::new())).await, []);
    }

    #[tokio::test]
    async fn a_wrong_kind_and_a_failure_surface_from_within_a_stream() {
        let mixed = stream::iter([UserId::Int(1), UserId::from("a")]);
        let mut chunks =
            Recipients::stream(mixed).into_chunks("test", UserIdKind::BigInt, 9).unwrap();
        assert_eq!(chunks.next().await.unwrap_err().kind(), ErrorKind::InvalidUserId);

        let failing = stream::iter([Ok(1), Err("the users' service is down")]);
        let mut chunks =
            Recipients::try_stream(failing).into_chunks("test", UserIdKind::BigInt, 9).unwrap();
        let error = chunks.next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Recipients);
        assert!(format!("{error:?}").contains("the users' service is down"));
    }
}

//! Streams on two sides: those of the users, and what is kept beside them.

use crate::{Audience, Error, ErrorKind, Result, UserId, feeds::Feeds, handle::Handle};

/// Streams here, and those of the same on the other side.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) from: Handle,
    pub(super) to: Handle,
    pub(super) of: Of,
}

/// Whose streams they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// The users, with their marks.
    Users,
    /// The users, by what they have dismissed.
    Dismissed,
    /// Many at once: each side may have copies of such a stream.
    Shared,
}

impl Pair {
    /// The streams of the users, and before them what both sides have beside them.
    ///
    /// # Errors
    /// `InvalidArgument` if the two have ids of different kinds.
    pub(super) fn all(from: &Handle, to: &Handle) -> Result<(Vec<Self>, Self)> {
        let (ours, theirs) = (from.backend().capabilities(), to.backend().capabilities());
        if ours.user_id() != theirs.user_id() {
            let message = format!(
                "the streams have ids of the kind {}, those they are compared with or copied to {}",
                ours.user_id(),
                theirs.user_id()
            );
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let beside = |of: Of, feeds: fn(&Feeds) -> Option<Feeds>| {
            let (ours, theirs) = feeds(&from.feeds).zip(feeds(&to.feeds))?;
            Some(Self { from: from.with_feeds(ours), to: to.with_feeds(theirs), of })
        };
        // What hides an item is there before the item.
        let beside = [
            beside(Of::Shared, Feeds::of_retracted),
            beside(Of::Dismissed, Feeds::of_dismissed),
            beside(Of::Shared, Feeds::of_audiences),
        ];
        let users = Self { from: from.clone(), to: to.clone(), of: Of::Users };
        Ok((beside.into_iter().flatten().collect(), users))
    }

    /// Whether a stream of this side is to be read: of copies the first is.
    pub(super) fn is_read(&self, stream: &UserId) -> bool {
        self.of.is_read(stream)
    }

    /// The streams of the other side that have the same as one of this side.
    pub(super) fn there(&self, stream: &UserId) -> Vec<UserId> {
        self.of.there(stream, self.copies())
    }

    /// The stream of this side that one of the other side is to be the same as.
    pub(super) fn here(&self, stream: UserId) -> UserId {
        match Audience::of_stream(&stream).filter(|_| self.of == Of::Shared) {
            Some((audience, _)) => audience.copy(0),
            None => stream,
        }
    }

    /// In how many streams of the other side each item is.
    pub(super) fn copies(&self) -> u8 {
        self.of.copies(&self.to)
    }
}

impl Of {
    /// Whether a stream is to be read: of copies the first is.
    pub(super) fn is_read(self, stream: &UserId) -> bool {
        self != Self::Shared || Audience::of_stream(stream).is_some_and(|(_, copy)| copy == 0)
    }

    /// The streams that have the same as this one, where each has so many copies.
    pub(super) fn there(self, stream: &UserId, copies: u8) -> Vec<UserId> {
        match Audience::of_stream(stream).filter(|_| self == Self::Shared) {
            Some((audience, _)) => audience.copies(copies).collect(),
            None => vec![stream.clone()],
        }
    }

    /// How many copies these streams have of each.
    pub(super) fn copies(self, streams: &Handle) -> u8 {
        match self {
            Self::Shared => streams.backend().capabilities().copies(),
            Self::Users | Self::Dismissed => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::TryStreamExt;

    use crate::{
        Delivery, MemoryBackend, Name, NewItem, Result, StreamItem, Streams, UserIdKind, audience,
        backend::{AddStreamItem, Backend, Capabilities, CountQuery, StreamQuery, async_trait},
        everyone,
    };

    /// Has copies of what many read.
    #[derive(Debug)]
    struct Copies(u8, Arc<dyn Backend>);

    #[async_trait]
    impl Backend for Copies {
        fn capabilities(&self) -> Capabilities {
            self.1.capabilities().with_copies(self.0)
        }

        fn inner(&self) -> Option<&dyn Backend> {
            Some(&*self.1)
        }

        async fn add_stream_item(&self, args: AddStreamItem) -> Result<Delivery> {
            self.1.add_stream_item(args).await
        }

        async fn get_stream_items(&self, query: StreamQuery) -> Result<Vec<StreamItem>> {
            self.1.get_stream_items(query).await
        }

        async fn count_stream_items(&self, query: CountQuery) -> Result<u64> {
            self.1.count_stream_items(query).await
        }

        fn feed(&self, name: &Name, user_id: UserIdKind) -> Result<Arc<dyn Backend>> {
            Ok(Arc::new(Self(self.0, self.1.feed(name, user_id)?)))
        }
    }

    fn streams(copies: u8) -> Result<Streams> {
        let streams = Streams::from_backend(Copies(copies, Arc::new(MemoryBackend::default())));
        streams.with_audiences(true)?.with_retractions(true)
    }

    #[tokio::test]
    async fn what_is_stored_is_given_once_and_stored_in_each_copy() -> Result<()> {
        for (from, to) in [(1, 3), (3, 1), (3, 2)] {
            let (from, to) = (streams(from)?, streams(to)?);
            let sent = from.add_stream_item([everyone(), audience("1:b")], "sent").await?;
            from.retract(sent.item).await?;
            from.add_stream_item([42, 43], "more").await?;
            let mut given = 0;
            for (ours, theirs) in from.stored().iter().zip(to.stored()) {
                assert_eq!(ours.kind(), theirs.kind());
                let owners: Vec<_> = ours.owners().try_collect().await?;
                for owner in owners {
                    let items: Vec<_> = ours.items(&owner).try_collect().await?;
                    let row = |item: &StreamItem| {
                        (owner.clone(), NewItem::at(item.cursor(), item.content.as_str()))
                    };
                    let rows: Vec<_> = items.iter().map(row).collect();
                    assert_eq!(theirs.add(rows.clone()).await?, rows.len() as u64);
                    assert_eq!(theirs.add(rows).await?, 0);
                    given += items.len();
                }
            }
            assert_eq!(given, 5);
            assert!(from.verify_copy(&to).await?.is_same());
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_copy_has_as_many_copies_as_its_store() -> Result<()> {
        for (from, to) in [(1, 3), (3, 1), (3, 2), (2, 4)] {
            let (from, to) = (streams(from)?, streams(to)?);
            let (a, b) = (audience("a"), audience("1:b"));
            let sent = from.add_stream_item([everyone(), a.clone()], "sent").await?;
            from.add_stream_item([everyone(), b.clone()], "more").await?;
            from.retract(sent.item).await?;
            let copied = from.copy_to(&to).await?;
            assert_eq!((copied.items, copied.added, copied.users), (5, 5, 0));
            assert_eq!(from.copy_to(&to).await?.added, 0);
            assert!(from.verify_copy(&to).await?.is_same());
            to.unretract(sent.item).await?;
            // Whichever of the copies they read.
            for user in 0..40 {
                let items = to.get_stream_items(user).with_audiences([a.clone(), b.clone()]);
                assert_eq!(items.count().await?, 2);
            }
            assert!(to.retract(sent.item).await?);
            to.add_stream_item(a, "only there").await?;
            to.add_stream_item(audience("c"), "only there").await?;
            let found = from.verify_copy(&to).await?;
            assert!(!found.is_same() && found.beside >= 2 && found.different == 0, "{found:?}");
        }
        Ok(())
    }
}

//! The feeds that are beside the main streams: those that the application declares, and those of
//! the library's own.

mod own;
mod store;

use std::{iter, sync::Arc};

use crate::{Error, ErrorKind, Name, Result, backend::Backend};
use own::OWN;
pub(crate) use own::{Extras, ItemMarks, MarkFeeds, OwnFeeds};
pub(crate) use store::Store;
use store::invalid;

/// Some streams with the feeds that are beside them.
#[derive(Debug, Clone)]
pub(crate) struct Feeds {
    /// The backend that all of these are feeds of.
    root: Arc<dyn Backend>,
    main: Feed,
    declared: Vec<Feed>,
    /// Of a feed: the main streams, and those that are declared beside it.
    siblings: Vec<Feed>,
    /// What is read together with the main streams.
    merged: Vec<Feed>,
    extras: Extras,
}

/// A set of streams, and the library's own feeds beside it.
#[derive(Debug, Clone)]
pub(crate) struct Feed {
    pub(crate) store: Store,
    own: OwnFeeds,
}

impl Feed {
    /// The streams of this name, or the main ones, with what is kept beside them.
    fn new(root: &dyn Backend, store: Store, extras: Extras) -> Result<Self> {
        let suffix = store.name.as_ref().map(|name| format!("_{name}")).unwrap_or_default();
        Ok(Self { own: OwnFeeds::new(root, &suffix, extras)?, store })
    }

    /// The streams of audiences, if there are any.
    pub(crate) fn audiences(&self) -> Option<&Store> {
        self.own.audiences.as_ref()
    }

    /// What each user has dismissed, if users can.
    pub(crate) fn dismissed(&self) -> Option<&Store> {
        self.own.dismissed.as_ref()
    }

    /// What is retracted, if anything can be.
    pub(crate) fn retracted(&self) -> Option<&Store> {
        self.own.retracted.as_ref()
    }

    fn is_called(&self, name: &str) -> bool {
        self.store.name.as_ref().is_some_and(|own| own.as_str() == name)
    }
}

impl Feeds {
    /// The main streams with the feeds of these names, and with what is kept beside each.
    pub(crate) fn new<N: AsRef<str>>(
        root: Arc<dyn Backend>,
        names: impl IntoIterator<Item = N>,
        extras: Extras,
    ) -> Result<Self> {
        let mut declared: Vec<Feed> = Vec::new();
        for name in names {
            let name: Name = name.as_ref().parse().map_err(|error| invalid("feeds", error))?;
            let name = name.as_str();
            if name.starts_with(OWN) {
                let message = format!(
                    "`{name}`: names that begin with `{OWN}` are those of the library's own feeds"
                );
                return Err(invalid("feeds", Error::new(ErrorKind::InvalidArgument, message)));
            }
            if declared.iter().any(|other| other.is_called(name)) {
                continue;
            }
            let store = Store::of(&*root, name, root.capabilities().user_id())
                .map_err(|error| invalid("feeds", error))?;
            declared.push(Feed::new(&*root, store, extras)?);
        }
        let main = Feed::new(&*root, Store { name: None, backend: Arc::clone(&root) }, extras)?;
        Ok(Self { root, main, declared, siblings: Vec::new(), merged: Vec::new(), extras })
    }

    /// No feeds that an application has asked for.
    pub(crate) fn none(root: Arc<dyn Backend>) -> Self {
        Self::new(Arc::clone(&root), [""; 0], Extras::default()).unwrap_or_else(|_| {
            let store = Store { name: None, backend: Arc::clone(&root) };
            Self::alone(root, Feed { store, own: OwnFeeds::default() })
        })
    }

    fn alone(root: Arc<dyn Backend>, main: Feed) -> Self {
        let (siblings, merged) = (Vec::new(), Vec::new());
        Self { root, main, declared: Vec::new(), siblings, merged, extras: Extras::default() }
    }

    /// The same feeds with other names declared.
    pub(crate) fn with_names<N: AsRef<str>>(
        &self,
        names: impl IntoIterator<Item = N>,
    ) -> Result<Self> {
        if let Some(name) = &self.main.store.name {
            let message = format!("`{name}` is a feed, and has none itself");
            return Err(invalid("feeds", Error::new(ErrorKind::InvalidArgument, message)));
        }
        let merged = self.merged.clone();
        Ok(Self { merged, ..Self::new(Arc::clone(&self.root), names, self.extras)? })
    }

    /// The same feeds with something else kept beside each.
    pub(crate) fn with_extras(&self, change: impl FnOnce(&mut Extras)) -> Result<Self> {
        let (root, mut extras) = (Arc::clone(&self.root), self.extras);
        change(&mut extras);
        let changed = |feed: &Feed| Feed::new(&*self.root, feed.store.clone(), extras);
        let all = |feeds: &[Feed]| feeds.iter().map(changed).collect::<Result<Vec<_>>>();
        Ok(Self {
            root,
            main: changed(&self.main)?,
            declared: all(&self.declared)?,
            siblings: all(&self.siblings)?,
            merged: all(&self.merged)?,
            extras,
        })
    }

    /// The names of those that are declared.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Name> {
        self.declared.iter().filter_map(|feed| feed.store.name.as_ref())
    }

    /// A feed that is declared, and the feeds beside it.
    pub(crate) fn get(&self, name: &str) -> Result<Self> {
        let main = self.known(name)?.clone();
        let own = iter::once(&self.main).filter(|main| main.store.name.is_none());
        let siblings = own.chain(self.beside()).filter(|feed| !feed.is_called(name));
        let siblings = siblings.cloned().collect();
        let root = Arc::clone(&self.root);
        Ok(Self { siblings, extras: self.extras, ..Self::alone(root, main) })
    }

    fn known(&self, name: &str) -> Result<&Feed> {
        self.beside().find(|feed| feed.is_called(name)).ok_or_else(|| self.unknown(name))
    }

    fn unknown(&self, name: &str) -> Error {
        // A name that none can have says so itself.
        if let Err(error) = name.parse::<Name>() {
            return error;
        }
        let declared: Vec<_> = self
            .beside()
            .filter_map(|feed| feed.store.name.as_ref())
            .map(|name| format!("`{name}`"))
            .collect();
        let message = format!(
            "the feed `{name}` is not declared by the setting `feeds`, which has {}",
            if declared.is_empty() { "none".to_owned() } else { declared.join(", ") }
        );
        Error::new(ErrorKind::InvalidArgument, message)
    }

    /// The same, with these feeds read together with the main streams.
    pub(crate) fn merge<N: AsRef<str>>(&self, names: impl IntoIterator<Item = N>) -> Result<Self> {
        let mut merged = self.merged.clone();
        for feed in self.find(names)? {
            if !merged.iter().any(|known| known.store.is(&feed.store)) {
                merged.push(feed);
            }
        }
        Ok(Self { merged, ..self.clone() })
    }

    fn find<N: AsRef<str>>(&self, names: impl IntoIterator<Item = N>) -> Result<Vec<Feed>> {
        names.into_iter().map(|name| self.known(name.as_ref()).cloned()).collect()
    }

    /// The streams of audiences as streams of their own.
    pub(crate) fn of_audiences(&self) -> Option<Self> {
        let store = self.main.own.audiences.clone()?;
        let own = OwnFeeds { retracted: self.main.own.retracted.clone(), ..OwnFeeds::default() };
        let siblings = self.beside().cloned().collect();
        Some(Self { siblings, ..Self::alone(Arc::clone(&self.root), Feed { store, own }) })
    }

    /// What users have dismissed, as streams of their own.
    pub(crate) fn of_dismissed(&self) -> Option<Self> {
        self.main.dismissed().map(|store| self.only(store))
    }

    /// What is retracted, as streams of their own.
    pub(crate) fn of_retracted(&self) -> Option<Self> {
        self.main.retracted().map(|store| self.only(store))
    }

    /// The places of items that are read, and of those that are unread, each as streams of their
    /// own.
    pub(crate) fn of_item_marks(&self) -> Option<[Self; 2]> {
        self.item_marks().map(|marks| marks.both().map(|store| self.only(store)))
    }

    /// One of these stores, with nothing beside it.
    fn only(&self, store: &Store) -> Self {
        let main = Feed { store: store.clone(), own: OwnFeeds::default() };
        Self::alone(Arc::clone(&self.root), main)
    }

    /// The backend that all of these are feeds of, which reads several of them at once if any does.
    pub(crate) fn root(&self) -> &Arc<dyn Backend> {
        &self.root
    }

    /// The main streams.
    pub(crate) fn main(&self) -> &Feed {
        &self.main
    }

    /// The main streams and what is read together with them.
    pub(crate) fn read(&self) -> impl Iterator<Item = &Feed> {
        iter::once(&self.main).chain(&self.merged)
    }

    /// The other ones that are declared, and the main streams of a feed: what these may be read
    /// together with.
    pub(crate) fn beside(&self) -> impl Iterator<Item = &Feed> {
        self.declared.iter().chain(&self.siblings)
    }

    /// Whether a user reads the main streams as they are stored.
    pub(crate) fn are_plain(&self) -> bool {
        let own = &self.main.own;
        let is_changed = own.audiences.is_some() || own.dismissed.is_some();
        self.merged.is_empty() && !is_changed && own.retracted.is_none()
    }

    /// Whether the items of the main streams are all that a user may read with them.
    pub(crate) fn are_alone(&self) -> bool {
        self.main.own.audiences.is_none() && self.beside().next().is_none()
    }

    /// Where the places of single items are kept, if they are.
    pub(crate) fn item_marks(&self) -> Option<&ItemMarks> {
        self.main.own.item_marks.as_ref()
    }

    pub(crate) fn mark_feeds(&self) -> Option<&MarkFeeds> {
        self.main.own.marks.as_ref()
    }

    /// The library's own beside the main streams that have something of a user's.
    pub(crate) fn of_users(&self) -> impl Iterator<Item = &Store> {
        self.main.own.of_users()
    }

    /// Every store of these feeds, the library's own ones too.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Store> {
        let declared = self.declared.iter();
        let declared = declared.flat_map(|feed| iter::once(&feed.store).chain(feed.own.all()));
        self.main.own.all().chain(declared)
    }
}

#[cfg(test)]
mod tests {
    use crate::{ErrorKind, MemoryBackend, Streams};

    #[tokio::test]
    async fn a_feed_stays_one_whatever_is_kept_beside_it() {
        let streams = Streams::from_backend(MemoryBackend::default());
        let streams = streams.with_feeds(["news", "tips"]).unwrap();
        let news = streams.feed("news").unwrap().merge(["tips"]).unwrap();
        let news = news.with_dismissals(true).unwrap();
        let item = news.add_stream_item(1, "news").await.unwrap().item;
        streams.feed("tips").unwrap().add_stream_item(1, "tips").await.unwrap();
        news.get_stream_items(1).dismiss(item).await.unwrap();
        assert_eq!(news.get_stream_items(1).count().await.unwrap(), 1);
        assert_eq!(streams.get_stream_items(1).count().await.unwrap(), 0);
        // Where the feed itself looks, too.
        let same = streams.with_dismissals(true).unwrap().feed("news").unwrap();
        assert_eq!(same.get_stream_items(1).count().await.unwrap(), 0);
    }

    #[test]
    fn a_feed_has_no_feeds() {
        let streams = Streams::from_backend(MemoryBackend::default());
        let news = streams.with_feeds(["news"]).unwrap().feed("news").unwrap();
        let error = news.with_feeds(["of_news"]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSettings);
        assert!(error.message().contains("`news` is a feed"), "{error}");
    }
}

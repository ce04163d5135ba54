//! The feeds that are beside the main streams: those that the application declares, and those of
//! the library's own.

use std::{fmt::Display, sync::Arc};

use crate::{
    Error, ErrorKind, Name, Result,
    backend::{Backend, Capability},
};

/// What the names of the library's own feeds begin with.
const OWN: &str = "us_";

/// The feeds of some streams.
#[derive(Debug, Default, Clone)]
pub(crate) struct Feeds {
    declared: Vec<(Name, Feed)>,
    own: OwnFeeds,
    /// Of a feed: those that are declared beside it.
    siblings: Vec<(Name, Feed)>,
    /// What is read together with the main streams.
    merged: Vec<Arc<dyn Backend>>,
}

#[derive(Debug, Clone)]
struct Feed {
    backend: Arc<dyn Backend>,
    own: OwnFeeds,
}

/// The library's own feeds beside some streams.
#[derive(Debug, Default, Clone)]
pub(crate) struct OwnFeeds {
    /// The places of items that are read or unread against the mark.
    item_marks: Option<Arc<dyn Backend>>,
    /// Of a backend without marks: a mark is the newest item of one.
    marks: Option<MarkFeeds>,
}

#[derive(Debug, Clone)]
pub(crate) struct MarkFeeds {
    pub(crate) seen: Arc<dyn Backend>,
    pub(crate) read: Arc<dyn Backend>,
}

impl Feeds {
    /// The feeds of these names beside the main streams.
    pub(crate) fn new<N: AsRef<str>>(
        main: &dyn Backend,
        names: impl IntoIterator<Item = N>,
        item_marks: bool,
    ) -> Result<Self> {
        let mut feeds = Self::default();
        for name in names {
            let name: Name = name.as_ref().parse().map_err(|error| invalid("feeds", error))?;
            if name.as_str().starts_with(OWN) {
                let message = format!(
                    "`{name}`: names that begin with `{OWN}` are those of the library's own feeds"
                );
                return Err(invalid("feeds", Error::new(ErrorKind::InvalidArgument, message)));
            }
            if feeds.declared.iter().any(|(other, _)| *other == name) {
                continue;
            }
            let backend = of(main, name.as_str()).map_err(|error| invalid("feeds", error))?;
            let own = OwnFeeds::new(main, &format!("_{name}"), item_marks)?;
            feeds.declared.push((name, Feed { backend, own }));
        }
        feeds.own = OwnFeeds::new(main, "", item_marks)?;
        Ok(feeds)
    }

    /// The names of those that are declared.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Name> {
        self.declared.iter().map(|(name, _)| name)
    }

    /// No feeds that an application has asked for.
    pub(crate) fn none(main: &dyn Backend) -> Self {
        Self::new(main, [""; 0], false).unwrap_or_default()
    }

    /// The same feeds with other names declared.
    pub(crate) fn with_names<N: AsRef<str>>(
        &self,
        main: &dyn Backend,
        names: impl IntoIterator<Item = N>,
    ) -> Result<Self> {
        let item_marks = self.own.item_marks.is_some();
        Ok(Self { merged: self.merged.clone(), ..Self::new(main, names, item_marks)? })
    }

    /// The same feeds, with or without item marks.
    pub(crate) fn with_item_marks(&self, main: &dyn Backend, item_marks: bool) -> Result<Self> {
        let names = self.names().map(Name::as_str);
        Ok(Self { merged: self.merged.clone(), ..Self::new(main, names, item_marks)? })
    }

    /// A feed that is declared, and the feeds beside it.
    pub(crate) fn get(&self, name: &str) -> Result<(&Arc<dyn Backend>, Self)> {
        let declared = self.known().find(|(known, _)| known.as_str() == name);
        let Some((_, feed)) = declared else { return Err(self.unknown(name)) };
        let siblings = self.known().filter(|(known, _)| known.as_str() != name).cloned();
        let own = feed.own.clone();
        Ok((&feed.backend, Self { own, siblings: siblings.collect(), ..Self::default() }))
    }

    fn known(&self) -> impl Iterator<Item = &(Name, Feed)> {
        self.declared.iter().chain(&self.siblings)
    }

    fn unknown(&self, name: &str) -> Error {
        // A name that none can have says so itself.
        if let Err(error) = name.parse::<Name>() {
            return error;
        }
        let declared: Vec<_> = self.known().map(|(name, _)| format!("`{name}`")).collect();
        let message = format!(
            "the feed `{name}` is not declared by the setting `feeds`, which has {}",
            if declared.is_empty() { "none".to_owned() } else { declared.join(", ") }
        );
        Error::new(ErrorKind::InvalidArgument, message)
    }

    /// The same, with these feeds read together with the main streams.
    pub(crate) fn merge<N: AsRef<str>>(&self, names: impl IntoIterator<Item = N>) -> Result<Self> {
        let mut merged = self.merged.clone();
        for name in names {
            let (feed, _) = self.get(name.as_ref())?;
            if !merged.iter().any(|known| Arc::ptr_eq(known, feed)) {
                merged.push(Arc::clone(feed));
            }
        }
        Ok(Self { merged, ..self.clone() })
    }

    /// What is read together with the main streams.
    pub(crate) fn merged(&self) -> &[Arc<dyn Backend>] {
        &self.merged
    }

    /// Where the places of single items are kept, if they are.
    pub(crate) fn item_marks(&self) -> Option<&Arc<dyn Backend>> {
        self.own.item_marks.as_ref()
    }

    pub(crate) fn mark_feeds(&self) -> Option<&MarkFeeds> {
        self.own.marks.as_ref()
    }

    /// The library's own beside the main streams.
    pub(crate) fn own(&self) -> Vec<&Arc<dyn Backend>> {
        self.own.all()
    }

    /// Every backend of these feeds, the library's own ones too.
    pub(crate) fn all(&self) -> Vec<&Arc<dyn Backend>> {
        let mut all = self.own.all();
        for (_, feed) in &self.declared {
            all.push(&feed.backend);
            all.extend(feed.own.all());
        }
        all
    }
}

impl OwnFeeds {
    fn new(main: &dyn Backend, suffix: &str, item_marks: bool) -> Result<Self> {
        let capabilities = main.capabilities();
        let can_forget = capabilities.has(Capability::RemoveStreamItem)
            && capabilities.has(Capability::DeleteRange);
        if item_marks && !can_forget {
            let error = Error::unsupported(capabilities.backend(), "remove_stream_item");
            return Err(invalid("item_marks", error));
        }
        let own = |name: &str| {
            of(main, &format!("{OWN}{name}{suffix}")).map_err(|error| {
                let setting = if item_marks { "item_marks" } else { "feeds" };
                invalid(setting, error)
            })
        };
        let item_marks = if item_marks { Some(own("read")?) } else { None };
        let keeps_no_marks =
            capabilities.has(Capability::Feeds) && !capabilities.has(Capability::Marks);
        let marks = match keeps_no_marks {
            true => Some(MarkFeeds { seen: own("mark_seen")?, read: own("mark_read")? }),
            false => None,
        };
        Ok(Self { item_marks, marks })
    }

    fn all(&self) -> Vec<&Arc<dyn Backend>> {
        let marks = self.marks.iter().flat_map(|feeds| [&feeds.seen, &feeds.read]);
        self.item_marks.iter().chain(marks).collect()
    }
}

/// The feed of this name, whose users have ids as those of the main streams.
fn of(main: &dyn Backend, name: &str) -> Result<Arc<dyn Backend>> {
    main.feed(&name.parse()?, main.capabilities().user_id())
}

fn invalid(setting: &str, error: impl Display + Into<Error>) -> Error {
    let error = error.into();
    let message = format!("{setting}: {}", error.message());
    Error::new(ErrorKind::InvalidSettings, message).with_source(error)
}

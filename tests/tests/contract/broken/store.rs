//! A store with a fault: the memory backend, and content that is stored apart from it.

use std::{
    collections::{HashMap, HashSet},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use tokio::sync::{Notify, Semaphore};
use user_streams_core::{
    Cursor, Error, ErrorKind, ItemId, MemoryBackend, MemoryConfig, Name, NewItem, Result,
    StreamItem, UserId, UserIdKind,
    backend::{AddStreamItem, Backend, DeleteStream, StreamQuery},
    time::from_micros,
};

use super::{telling::Telling, twist::Twist};

/// How many operations may be under way; a dropped one that leaks its permit is felt after so many.
const PERMITS: usize = 4;

/// A connection; all that are made of one share their store.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(super) twist: Twist,
    pub(super) memory: Arc<MemoryBackend>,
    /// What the memory backend does not tell, or that is stored apart from it.
    notes: Arc<Mutex<Notes>>,
    pub(super) feeds: Arc<Mutex<HashMap<Name, Self>>>,
    pub(super) telling: Telling,
    pub(super) permits: Arc<Semaphore>,
    pub(super) locked: Arc<Semaphore>,
    /// Told when an add has ended for which others wait.
    pub(super) ended: Arc<Notify>,
    /// Between the content of an item and its rows nothing is purged.
    pub(super) storing: Arc<Mutex<()>>,
}

#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) contents: HashMap<Cursor, String>,
    /// When each item came first, and in how many streams it is.
    pub(super) items: HashMap<Cursor, (usize, u64)>,
    pub(super) users: HashSet<UserId>,
    pub(super) deleted: HashSet<UserId>,
    /// What every operation answers but `migrate`.
    pub(super) failure: Option<ErrorKind>,
    pub(super) counts: u64,
    pub(super) adding: u64,
    pub(super) migrating: u64,
    pub(super) migrations: u64,
}

/// The operations of the memory backend, with nothing in between.
pub(super) fn at_once<F: Future>(operation: F) -> F::Output {
    let mut operation = pin!(operation);
    loop {
        let polled = operation.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(done) = polled {
            return done;
        }
    }
}

impl Store {
    pub(crate) fn new(kind: UserIdKind, twist: Twist) -> Self {
        let memory = Arc::new(MemoryBackend::new(MemoryConfig::new().with_user_id(kind)));
        let (permits, locked) = (Arc::new(Semaphore::new(PERMITS)), Arc::new(Semaphore::new(1)));
        let (notes, feeds, storing) = (Arc::default(), Arc::default(), Arc::default());
        let (telling, ended) = (Telling::new(), Arc::default());
        Self { twist, memory, notes, feeds, telling, permits, locked, ended, storing }
    }

    /// The store with every operation but `migrate` failing, or none.
    pub(crate) fn failing(self, failure: Option<ErrorKind>) -> Self {
        self.notes().failure = failure;
        self
    }

    pub(super) fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn check(&self) -> Result<()> {
        let failure = self.notes().failure;
        failure.map_or(Ok(()), |kind| Err(Error::new(kind, "closed, or not there yet")))
    }

    /// The places of a user's items, in the order of their insertion.
    pub(super) fn places(&self, user: &UserId) -> Result<Vec<Cursor>> {
        let all = StreamQuery::new(self.twist.user.change(user.clone()), u64::MAX);
        let items = at_once(self.memory.get_stream_items(all))?;
        let mut places: Vec<_> = items.iter().map(StreamItem::cursor).collect();
        let notes = self.notes();
        places.sort_by_key(|place| notes.items.get(place));
        Ok(places)
    }

    /// What is stored of an item, apart from its content.
    pub(super) fn changed(&self, item: &NewItem) -> Result<NewItem> {
        let created_at = from_micros((self.twist.created_at)(item.created_at_us()))?;
        Ok(NewItem::new("").with_id(item.id()).with_created_at(&created_at))
    }

    pub(super) fn keep_content(&self, item: &NewItem) -> Result<()> {
        let (place, content) = (self.changed(item)?.cursor(), (self.twist.content)(item.content()));
        let mut notes = self.notes();
        if self.twist.replaces_content {
            notes.contents.insert(place, content);
        } else {
            notes.contents.entry(place).or_insert(content);
        }
        Ok(())
    }

    /// Delivers to those users who have not got the item, and returns how many that were.
    pub(super) fn deliver(&self, users: &[UserId], item: &NewItem) -> Result<u64> {
        let _storing = self.storing.lock().unwrap_or_else(PoisonError::into_inner);
        if !users.is_empty() {
            self.keep_content(item)?;
        }
        let place = self.changed(item)?.cursor();
        let is_known = |user: &UserId| -> Result<bool> {
            let Some(same) = self.twist.same else { return Ok(false) };
            Ok(self.places(user)?.iter().any(|known| same(known, &place)))
        };
        let mut new = Vec::new();
        for user in users {
            if !is_known(user)? && !self.notes().deleted.contains(user) {
                new.push(user.clone());
            }
        }
        match self.twist.same {
            None => self.store_rows(new, item),
            Some(_) => self.store_each(&new, item),
        }
    }

    pub(super) fn store_rows(&self, users: Vec<UserId>, item: &NewItem) -> Result<u64> {
        let users: Vec<_> = users.into_iter().map(|user| self.twist.user.change(user)).collect();
        let item = self.changed(item)?;
        let args = AddStreamItem::new(users.clone(), item.clone())?;
        let number = self.notes().items.len();
        self.notes().items.entry(item.cursor()).or_insert((number, 0));
        let delivered = at_once(self.memory.add_stream_item(args))?.delivered;
        if delivered > 0 {
            self.telling.tell(users.clone(), &item);
        }
        let mut notes = self.notes();
        notes.users.extend(users);
        notes.items.entry(item.cursor()).or_default().1 += delivered;
        Ok(delivered)
    }

    /// A row for each name, for those who have the item already as well: as another one that is the
    /// same in all but its id.
    pub(super) fn store_each(&self, users: &[UserId], item: &NewItem) -> Result<u64> {
        for user in users {
            self.keep_content(item)?;
            if self.store_rows(vec![user.clone()], item)? == 0 {
                let copy = item.clone().with_id(ItemId::generate());
                self.keep_content(&copy)?;
                self.store_rows(vec![user.clone()], &copy)?;
            }
        }
        Ok(users.len() as u64)
    }

    /// Deletes the stream of a user, but for some of its items.
    pub(super) fn delete_but(&self, user: &UserId, left: &[Cursor]) -> Result<Vec<Cursor>> {
        let mut deleted = self.places(user)?;
        at_once(
            self.memory.delete_stream(DeleteStream::new(self.twist.user.change(user.clone()))),
        )?;
        for place in &deleted {
            let mut notes = self.notes();
            let streams = &mut notes.items.entry(*place).or_default().1;
            *streams = streams.saturating_sub(1);
        }
        for place in left {
            let item = NewItem::new("").with_id(place.id()).with_created_at(&place.created_at());
            self.store_rows(vec![user.clone()], &item)?;
        }
        deleted.retain(|place| !left.contains(place));
        Ok(deleted)
    }
}

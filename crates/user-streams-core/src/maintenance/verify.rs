//! Whether two stores have the same.

use std::fmt;

use futures_core::future::BoxFuture;
use futures_util::{StreamExt, TryStreamExt, stream};
use tracing::Span;

use super::{
    copy, everyone,
    pair::{Of, Pair},
};
use crate::{
    Result, StreamItem, Streams, UserId,
    backend::{Backend, CountQuery, Position},
    handle::Handle,
    marks::Mark,
    observe::{Operation, Outcome},
};

/// How many users are compared at once.
const AT_ONCE: usize = 8;
/// How many users are named.
const NAMED: usize = 100;

type Progress = Box<dyn FnMut(&Verification) + Send>;

/// A verification that happens when it is awaited: every item and mark of each user is read from
/// both sides and compared, and users that one side alone has are found. A mark that the other side
/// alone has is no difference, and marks of single items are not compared. Before that, where both
/// sides have the settings, so is what is retracted, what users have dismissed and what audiences
/// have.
///
/// ```
/// # use user_streams_core::{MemoryBackend, Streams, UserId};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # let (old, new) = (MemoryBackend::default(), MemoryBackend::default());
/// # let (old, new) = (Streams::from_backend(old), Streams::from_backend(new));
/// # old.add_stream_item([42, 43], "item").await?;
/// old.copy_to(&new).await?;
/// new.add_stream_item(43, "only there").await?;
/// let found = old.verify_copy(&new).await?;
/// assert_eq!((found.users, found.different), (2, 1));
/// assert_eq!(found.named, [UserId::Int(43)]);
/// # Ok::<(), user_streams_core::Error>(()) }).unwrap();
/// ```
///
/// # Errors
/// As those of [`CopyTo`](crate::maintenance::CopyTo).
#[must_use = "nothing is compared until it is awaited"]
pub struct Verify {
    from: Handle,
    to: Handle,
    on_progress: Option<Progress>,
}

/// What a verification has found so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verification {
    /// How many users were compared.
    pub users: u64,
    /// How many items were: of users and of audiences, and places of what is hidden.
    pub items: u64,
    /// How many users do not have the same on both sides.
    pub different: u64,
    /// The first hundred of them.
    pub named: Vec<UserId>,
    /// How many streams beside those of the users are not the same on both sides: of audiences, of
    /// what is retracted, and of what each user has dismissed.
    pub beside: u64,
}

impl Verification {
    /// Whether both sides have the same.
    pub fn is_same(&self) -> bool {
        self.different == 0 && self.beside == 0
    }

    fn count(&mut self, of: Of, (user, compared): (UserId, Compared)) {
        self.items += compared.items;
        match (of, compared.is_same) {
            (Of::Users, is_same) => {
                self.users += 1;
                if !is_same {
                    self.different += 1;
                    if self.named.len() < NAMED {
                        self.named.push(user);
                    }
                }
            }
            (Of::Dismissed | Of::Shared, false) => self.beside += 1,
            (Of::Dismissed | Of::Shared, true) => {}
        }
    }
}

/// What was found of a user.
struct Compared {
    items: u64,
    is_same: bool,
}

impl Streams {
    /// Compares everyone's items and marks with those of other streams, such as after a
    /// [copy](Self::copy_to).
    pub fn verify_copy(&self, to: &Self) -> Verify {
        let (from, to) = (self.handle().clone(), to.handle().clone());
        Verify { from, to, on_progress: None }
    }
}

impl Verify {
    /// Calls `report` after some users each.
    pub fn on_progress(mut self, report: impl FnMut(&Verification) + Send + 'static) -> Self {
        self.on_progress = Some(Box::new(report));
        self
    }

    async fn run(self) -> Result<Verification> {
        let Self { from, to, mut on_progress } = self;
        let (beside, users) = Pair::all(&from, &to)?;
        let mut found = Verification::default();
        for pair in beside.into_iter().chain([users]) {
            let mut pages = everyone::pages(pair.from.clone(), None);
            while let Some(page) = pages.try_next().await? {
                let read = page.users.into_iter().filter(|user| pair.is_read(user));
                let both = read.map(|user| compare(&pair, user));
                let compared: Vec<_> = stream::iter(both).buffered(AT_ONCE).try_collect().await?;
                compared.into_iter().for_each(|one| found.count(pair.of, one));
                if let Some(report) = &mut on_progress {
                    report(&found);
                }
            }
            let mut pages = everyone::pages(pair.to.clone(), None);
            while let Some(page) = pages.try_next().await? {
                let there = page.users.into_iter().map(|user| is_missing(&pair, user));
                let missing: Vec<_> = stream::iter(there).buffered(AT_ONCE).try_collect().await?;
                for user in missing.into_iter().flatten() {
                    found.count(pair.of, (user, Compared { items: 0, is_same: false }));
                }
                if let Some(report) = &mut on_progress {
                    report(&found);
                }
            }
        }
        Ok(found)
    }
}

async fn compare(pair: &Pair, user: UserId) -> Result<(UserId, Compared)> {
    let (from, to) = (&pair.from, &pair.to);
    let mut compared = Compared { items: 0, is_same: true };
    if pair.of == Of::Users {
        for mark in Mark::ALL {
            let ours = copy::kept(mark, from, &user).await?;
            compared.is_same &= ours.is_none() || ours == copy::kept(mark, to, &user).await?;
        }
    }
    for there in pair.there(&user) {
        let one = compare_items(from.backend(), &user, to.backend(), &there).await?;
        compared.items = compared.items.max(one.items);
        compared.is_same &= one.is_same;
    }
    Ok((user, compared))
}

async fn compare_items(
    from: &dyn Backend,
    ours: &UserId,
    to: &dyn Backend,
    theirs: &UserId,
) -> Result<Compared> {
    let mut compared = Compared { items: 0, is_same: true };
    let mut position = Position::Offset(0);
    loop {
        let ours = copy::read(from, ours, position).await?;
        let theirs = copy::read(to, theirs, position).await?;
        compared.items += ours.len() as u64;
        compared.is_same &= ours == theirs;
        // Of both, since either may be the longer one.
        let last = ours.last().into_iter().chain(theirs.last()).map(StreamItem::cursor).min();
        match last {
            Some(last) if compared.is_same => position = Position::After(last),
            _ => return Ok(compared),
        }
    }
}

/// The user, who is listed on the other side, if there is nothing of theirs here.
async fn is_missing(pair: &Pair, user: UserId) -> Result<Option<UserId>> {
    let here = CountQuery::new(pair.here(user.clone()));
    let here = pair.from.backend().count_stream_items(here).await?;
    Ok((here == 0).then_some(user))
}

impl Outcome for Verification {
    fn record(&self, span: &Span) {
        self.items.record(span);
    }
}

impl IntoFuture for Verify {
    type Output = Result<Verification>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let call = self.from.call(Operation::Verify);
            call.run(self.run()).await
        })
    }
}

impl fmt::Debug for Verify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verify").finish_non_exhaustive()
    }
}

//! Items for users and for audiences, some of which are hidden, and who may see which.

mod check;
mod stored;
mod to;

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use fastrand::Rng;
use tokio::time::Instant;
use user_streams_core::{Cursor, NewItem, StreamItem};

pub(crate) use self::{
    check::Wrong,
    stored::Feeds,
    to::{Group, TEAMS, To, team_of},
};
use crate::{history::Item, sync::lock};

/// An item, and whom it is for.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    pub(crate) to: To,
    pub(crate) at: Cursor,
    pub(crate) content: String,
}

impl Post {
    /// What each add of it passes to the library.
    pub(crate) fn new_item(&self) -> NewItem {
        let item = NewItem::new(self.content.as_str());
        item.with_created_at(&self.at.created_at()).with_id(self.at.id())
    }
}

/// Who hides an item: a user, or somebody for all.
pub(crate) type Hider = Option<i64>;

/// Whether an item is hidden: a call that was not acknowledged may have had its effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Hidden {
    #[default]
    No,
    Maybe,
    Yes,
}

#[derive(Debug)]
struct State {
    post: Post,
    made: Instant,
    acknowledged: Option<Instant>,
    hidden: BTreeMap<Hider, Hidden>,
}

/// All of a trial.
#[derive(Debug, Default)]
pub(crate) struct Posts {
    states: Mutex<BTreeMap<Cursor, State>>,
}

/// What a user may see, at one moment.
pub(crate) type Seen = BTreeMap<Cursor, Standing>;

/// How an item stands with a user.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    is_acknowledged: bool,
    hidden: Hidden,
}

impl Posts {
    /// A new item for users, which the history knows.
    pub(crate) fn own(&self, item: Item) -> Post {
        let content = item.content();
        self.insert(Post { at: item.new_item().cursor(), content, to: To::Users(item) })
    }

    /// A new item for these audiences.
    pub(crate) fn shared(&self, groups: Vec<Group>) -> Post {
        let to = To::Groups(groups);
        let (number, at) = (lock(&self.states).len(), NewItem::new("").cursor());
        self.insert(Post { at, content: format!("@{number} for {to}"), to })
    }

    fn insert(&self, post: Post) -> Post {
        let (made, hidden) = (Instant::now(), BTreeMap::new());
        let state = State { post: post.clone(), made, acknowledged: None, hidden };
        lock(&self.states).insert(post.at, state);
        post
    }

    pub(crate) fn acknowledge(&self, at: Cursor) {
        if let Some(state) = lock(&self.states).get_mut(&at) {
            state.acknowledged.get_or_insert_with(Instant::now);
        }
    }

    /// A call that hides an item begins.
    pub(crate) fn hide(&self, at: Cursor, by: Hider) {
        self.set_hidden(at, by, Hidden::Maybe);
    }

    /// A call that hides an item was acknowledged.
    pub(crate) fn hidden(&self, at: Cursor, by: Hider) {
        self.set_hidden(at, by, Hidden::Yes);
    }

    fn set_hidden(&self, at: Cursor, by: Hider, hidden: Hidden) {
        if let Some(state) = lock(&self.states).get_mut(&at) {
            let known = state.hidden.entry(by).or_default();
            *known = hidden.max(*known);
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        lock(&self.states).len()
    }

    /// How many are for audiences and were acknowledged: the history does not know them.
    pub(crate) fn shared_acknowledged(&self) -> u64 {
        let states = lock(&self.states);
        let shared = states.values().filter(|state| matches!(state.post.to, To::Groups(_)));
        shared.filter(|state| state.acknowledged.is_some()).count() as u64
    }

    /// One of them.
    pub(crate) fn any(&self, rng: &mut Rng) -> Option<Post> {
        let states = lock(&self.states);
        let at = rng.usize(..states.len().max(1));
        states.values().nth(at).map(|state| state.post.clone())
    }

    pub(crate) fn all(&self) -> Vec<Post> {
        lock(&self.states).values().map(|state| state.post.clone()).collect()
    }

    /// What was hidden by whom, or was to be.
    pub(crate) fn hidings(&self) -> Vec<(Cursor, Hider)> {
        let states = lock(&self.states);
        let of = |state: &State| state.hidden.keys().copied().collect::<Vec<_>>();
        states.iter().flat_map(|(at, state)| of(state).into_iter().map(|by| (*at, by))).collect()
    }

    /// Whether an item is one of these, and for this user.
    pub(crate) fn are_for(&self, user: i64, item: &StreamItem) -> bool {
        self.has(user, item.cursor(), &item.content)
    }

    /// The same of its place and content.
    pub(crate) fn has(&self, user: i64, at: Cursor, content: &str) -> bool {
        let states = lock(&self.states);
        let post = states.get(&at).map(|state| &state.post);
        post.is_some_and(|post| post.content == content && post.to.includes(user))
    }

    /// How everything that is for a user stands now.
    pub(crate) fn seen_by(&self, user: i64) -> Seen {
        let states = lock(&self.states);
        let mine = states.iter().filter(|(_, state)| state.post.to.includes(user));
        mine.map(|(at, state)| {
            let of = |by| state.hidden.get(&by).copied().unwrap_or_default();
            let hidden = of(None).max(of(Some(user)));
            (*at, Standing { is_acknowledged: state.acknowledged.is_some(), hidden })
        })
        .collect()
    }

    /// What is for a user, was made from an instant on, and was acknowledged soon after: a
    /// subscriber gets it. With the instants of the acknowledgements.
    pub(crate) fn due_to(
        &self,
        user: i64,
        since: Instant,
        soon: Duration,
    ) -> BTreeMap<Cursor, Instant> {
        let states = lock(&self.states);
        let mine = states.iter().filter(|(_, state)| state.post.to.includes(user));
        let due = mine.filter_map(|(at, state)| {
            let acknowledged = state.acknowledged?;
            let is_due = state.made >= since && acknowledged <= state.made + soon;
            is_due.then_some((*at, acknowledged))
        });
        due.collect()
    }
}

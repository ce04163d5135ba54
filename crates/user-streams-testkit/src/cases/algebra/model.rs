//! The model: plain maps, and what is there of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chrono::{DateTime, Utc};
use user_streams_core::Cursor;

use super::step::{AUDIENCES, Bounds, Said, USERS, View};

pub(super) const MAX_AGE: Duration = Duration::from_secs(5 * 86_400);

pub(super) type Items = BTreeMap<Cursor, String>;

/// Everything of two feeds: the one that is read, and the one that may be merged with it.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) feeds: [Feed; 2],
    /// The marks of each user in the first.
    pub(super) marks: [Marks; USERS],
}

#[derive(Debug, Default)]
pub(super) struct Feed {
    pub(super) users: [Items; USERS],
    pub(super) audiences: [Items; AUDIENCES],
    pub(super) dismissed: [BTreeSet<Cursor>; USERS],
    pub(super) retracted: BTreeSet<Cursor>,
}

#[derive(Debug, Default)]
pub(super) struct Marks {
    pub(super) mark: Option<Cursor>,
    pub(super) read: BTreeSet<Cursor>,
    pub(super) unread: BTreeSet<Cursor>,
}

impl Model {
    /// What is there for a user, newest first.
    pub(super) fn visible(&self, user: usize, view: View) -> Vec<(Cursor, String)> {
        let feeds = if view.merged { 0..2 } else { 0..1 };
        self.visible_in(feeds, user, view)
    }

    fn visible_in(
        &self,
        feeds: std::ops::Range<usize>,
        user: usize,
        view: View,
    ) -> Vec<(Cursor, String)> {
        let now = Utc::now();
        let mut all = Items::new();
        for feed in &self.feeds[feeds.clone()] {
            all.extend(feed.users[user].clone());
            for (at, (items, said)) in feed.audiences.iter().zip(view.said).enumerate() {
                let mut items = items.clone();
                match said {
                    Said::Nothing if at > 0 => items.clear(),
                    Said::Nothing | Said::Whole => {}
                    Said::Since(since) => {
                        items.retain(|item, _| item.created_at() >= since.instant());
                    }
                }
                all.extend(items);
            }
        }
        for feed in &self.feeds[feeds] {
            all.retain(|item, _| !feed.hides(user, *item));
        }
        let mut items: Vec<_> = all.into_iter().rev().collect();
        let at = |(cursor, _): &(Cursor, String)| cursor.created_at();
        if view.bounds.hide_future {
            items.retain(|item| at(item) <= now);
        }
        if let Some(max_len) = view.bounds.max_len {
            items.truncate(usize::try_from(max_len).unwrap_or(usize::MAX));
        }
        if view.bounds.max_age {
            items.retain(|item| at(item) >= oldest());
        }
        items.retain(|item| view.since.is_none_or(|since| at(item) >= since.instant()));
        items.retain(|item| view.until.is_none_or(|until| at(item) < until.instant()));
        items
    }

    /// What each user sees with these bounds, by either of the feeds and by both.
    pub(super) fn seen(&self, bounds: Bounds) -> Vec<Vec<(Cursor, String)>> {
        let said = [Said::Whole; AUDIENCES];
        let view = View { merged: true, said, bounds, since: None, until: None };
        let all = (0..USERS).flat_map(|user| [0..1, 1..2, 0..2].map(|feeds| (feeds, user)));
        all.map(|(feeds, user)| self.visible_in(feeds, user, view)).collect()
    }

    /// Takes what is beyond the bounds, or retracted, and forgets what is about items too old.
    pub(super) fn trim(&mut self, feed: usize, bounds: Bounds) {
        let too_old = |item: &Cursor| bounds.max_age && item.created_at() < oldest();
        for user in 0..USERS {
            // Who has nothing is not looked at.
            if self.feeds[feed].users[user].is_empty() {
                continue;
            }
            if feed == 0 {
                self.marks[user].read.retain(|item| !too_old(item));
                self.marks[user].unread.retain(|item| !too_old(item));
            }
            let beyond = self.beyond(feed, user, bounds);
            let Feed { users, retracted, .. } = &mut self.feeds[feed];
            users[user]
                .retain(|item, _| !too_old(item) && !beyond(item) && !retracted.contains(item));
        }
        let Feed { audiences, dismissed, retracted, .. } = &mut self.feeds[feed];
        for items in audiences {
            items.retain(|item, _| !too_old(item) && !retracted.contains(item));
        }
        dismissed.iter_mut().for_each(|items| items.retain(|item| !too_old(item)));
        retracted.retain(|item| !too_old(item));
    }

    /// What is beyond `max_len` of a user's own items, of which what may be hidden anywhere does
    /// not count.
    fn beyond(&self, feed: usize, user: usize, bounds: Bounds) -> impl Fn(&Cursor) -> bool + use<> {
        let (now, oldest) = (Utc::now(), oldest());
        let has_come = move |item: &Cursor| !bounds.hide_future || item.created_at() <= now;
        let is_young = |item: &Cursor| !bounds.max_age || item.created_at() >= oldest;
        let counts = |item: &Cursor| {
            let is_hidden = self.feeds.iter().any(|feed| feed.hides(user, *item));
            has_come(item) && is_young(item) && !is_hidden
        };
        let max_len = bounds.max_len.and_then(|max_len| usize::try_from(max_len).ok());
        let own = self.feeds[feed].users[user].keys().rev().copied();
        let own: Vec<_> = own.filter(counts).collect();
        let last = max_len.filter(|max_len| own.len() > *max_len && *max_len > 0);
        let last = last.map(|max_len| own[max_len - 1]);
        move |item| match max_len {
            Some(0) => has_come(item),
            _ => last.is_some_and(|last| *item < last),
        }
    }
}

impl Feed {
    fn hides(&self, user: usize, item: Cursor) -> bool {
        self.dismissed[user].contains(&item) || self.retracted.contains(&item)
    }
}

impl Marks {
    pub(super) fn is_read(&self, item: Cursor) -> bool {
        if Some(item) <= self.mark {
            !self.unread.contains(&item)
        } else {
            self.read.contains(&item)
        }
    }

    pub(super) fn set(&mut self, to: Cursor, back: bool) -> bool {
        self.read.retain(|item| *item > to);
        self.unread.retain(|item| *item > to);
        let moves = if back { self.mark != Some(to) } else { self.mark < Some(to) };
        if moves {
            self.mark = Some(to);
        }
        moves
    }
}

/// The instant before which everything is too old.
fn oldest() -> DateTime<Utc> {
    Utc::now() - MAX_AGE
}

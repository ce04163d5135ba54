//! Checks what was read.

use std::collections::BTreeSet;

use user_streams_core::Cursor;

use super::{Hidden, Posts, Seen};

/// What is wrong with a page, or with what is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    Lost(String),
    Duplicated(String),
    Foreign(String),
}

impl Posts {
    /// What is wrong with the newest items of a user, that were read after `before`, and before
    /// now. `is_whole`: there are no others.
    pub(crate) fn check(
        &self,
        user: i64,
        before: &Seen,
        page: &[(Cursor, &str)],
        is_whole: bool,
    ) -> Vec<Wrong> {
        let (mut wrong, mut read) = (Vec::new(), BTreeSet::new());
        for (at, content) in page {
            if !read.insert(*at) {
                wrong.push(Wrong::Duplicated(format!(
                    "a page of user {user} has {content:?} twice"
                )));
            }
            if !self.has(user, *at, content) {
                wrong.push(Wrong::Foreign(format!("a page of user {user} has {content:?}")));
            }
            if before.get(at).is_some_and(|standing| standing.hidden == Hidden::Yes) {
                let back = format!("a page of user {user} has {content:?}, which is hidden");
                wrong.push(Wrong::Foreign(back));
            }
        }
        if !page.is_sorted_by(|newer, older| newer.0 >= older.0) {
            wrong.push(Wrong::Foreign(format!("a page of user {user} is not in order")));
        }
        let oldest = page.last().map(|(at, _)| *at).filter(|_| !is_whole);
        let after = self.seen_by(user);
        let lost = before.iter().filter(|(at, standing)| {
            let is_hidden = after.get(at).is_none_or(|after| after.hidden != Hidden::No);
            standing.is_acknowledged && !is_hidden && Some(**at) >= oldest && !read.contains(at)
        });
        for (at, _) in lost {
            let place = (at.created_at_us(), at.id());
            wrong.push(Wrong::Lost(format!("a page of user {user} lacks the item at {place:?}")));
        }
        wrong
    }

    /// What is wrong with a count, likewise.
    pub(crate) fn check_count(&self, user: i64, before: &Seen, count: usize) -> Option<Wrong> {
        let after = self.seen_by(user);
        let is_hidden = |at: &Cursor| after.get(at).is_none_or(|after| after.hidden != Hidden::No);
        let there = before.iter().filter(|(at, seen)| seen.is_acknowledged && !is_hidden(at));
        let gone = before.values().filter(|standing| standing.hidden == Hidden::Yes);
        let (least, most) = (there.count(), after.len() - gone.count());
        let message = format!("the count of user {user} is {count}, not from {least} to {most}");
        match count {
            count if count < least => Some(Wrong::Lost(message)),
            count if count > most => Some(Wrong::Foreign(message)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        history::History,
        posts::{Group, Post, team_of},
    };

    fn page(posts: &[&Post]) -> Vec<(Cursor, String)> {
        posts.iter().map(|post| (post.at, post.content.clone())).collect()
    }

    /// Lost, duplicated, foreign.
    fn counts(
        posts: &Posts,
        before: &Seen,
        page: &[(Cursor, String)],
        is_whole: bool,
    ) -> [usize; 3] {
        let page: Vec<_> = page.iter().map(|(at, content)| (*at, content.as_str())).collect();
        let mut counts = [0; 3];
        for wrong in posts.check(1, before, &page, is_whole) {
            counts[match wrong {
                Wrong::Lost(_) => 0,
                Wrong::Duplicated(_) => 1,
                Wrong::Foreign(_) => 2,
            }] += 1;
        }
        counts
    }

    #[test]
    fn each_kind_of_wrong_page_is_noticed() {
        let (history, posts) = (History::new(true), Posts::default());
        let own = posts.own(history.item(1..=2));
        let team = posts.shared(vec![team_of(1)]);
        let all = posts.shared(vec![Group::Everyone]);
        let others = [posts.shared(vec![team_of(2)]), posts.own(history.item(2..=2))];
        posts.acknowledge(own.at);
        posts.acknowledge(all.at);
        let before = posts.seen_by(1);
        assert_eq!(counts(&posts, &before, &page(&[&all, &team, &own]), true), [0; 3]);
        // What is not acknowledged may be missing, and what is older than a page.
        assert_eq!(counts(&posts, &before, &page(&[&all, &own]), true), [0; 3]);
        assert_eq!(counts(&posts, &before, &page(&[&all]), false), [0; 3]);
        assert_eq!(counts(&posts, &before, &page(&[&all]), true), [1, 0, 0]);
        assert_eq!(counts(&posts, &before, &page(&[&all, &all, &own]), true), [0, 1, 0]);
        assert_eq!(counts(&posts, &before, &page(&[&own, &all]), true), [0, 0, 1]);
        for other in &others {
            assert_eq!(counts(&posts, &before, &page(&[other, &all, &own]), true), [0, 0, 1]);
        }
        assert_eq!(posts.check_count(1, &before, 2), None);
        assert_eq!(posts.check_count(1, &before, 3), None);
        assert!(matches!(posts.check_count(1, &before, 1), Some(Wrong::Lost(_))));
        assert!(matches!(posts.check_count(1, &before, 4), Some(Wrong::Foreign(_))));
    }

    #[test]
    fn what_is_hidden_does_not_come_back_and_is_hidden_from_nobody_else() {
        let posts = Posts::default();
        let (one, two) = (posts.shared(vec![Group::Everyone]), posts.shared(vec![Group::Everyone]));
        posts.acknowledge(one.at);
        posts.acknowledge(two.at);
        posts.hide(one.at, Some(1));
        let before = posts.seen_by(1);
        assert_eq!(counts(&posts, &before, &page(&[&two]), true), [0; 3]);
        assert_eq!(counts(&posts, &before, &page(&[&two, &one]), true), [0; 3]);
        posts.hidden(one.at, Some(1));
        let before = posts.seen_by(1);
        assert_eq!(counts(&posts, &before, &page(&[&two, &one]), true), [0, 0, 1]);
        assert!(matches!(posts.check_count(1, &before, 2), Some(Wrong::Foreign(_))));
        // Nor may another user's.
        posts.hidden(two.at, Some(2));
        assert_eq!(counts(&posts, &before, &page(&[]), true), [1, 0, 0]);
        posts.hidden(two.at, None);
        assert_eq!(counts(&posts, &posts.seen_by(1), &page(&[]), true), [0; 3]);
        assert_eq!(counts(&posts, &posts.seen_by(1), &page(&[&two]), true), [0, 0, 1]);
    }
}

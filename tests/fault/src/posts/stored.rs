//! Checks what is stored of audiences and of what is hidden.

use std::collections::{BTreeMap, BTreeSet};

use user_streams_core::Cursor;

use super::{Hidden, Hider, Posts, State, To, Wrong};
use crate::{inspector::FeedRow, sync::lock};

/// Everything in the library's own feeds.
#[derive(Debug, Default)]
pub(crate) struct Feeds {
    pub(crate) audiences: Vec<FeedRow>,
    pub(crate) dismissed: Vec<FeedRow>,
    pub(crate) retracted: Vec<FeedRow>,
    /// How many copies there are of a stream that all read.
    pub(crate) copies: usize,
}

/// Where an item is: the id of whose stream that is, and the place.
type Delivery = (String, (i64, i64));

impl Posts {
    /// What is wrong with what is stored, while no call is under way.
    pub(crate) fn check_stored(&self, feeds: &Feeds) -> Vec<Wrong> {
        let states = lock(&self.states);
        let mut wrong = Vec::new();
        let (mut stored, mut may, mut must) = (Stored::default(), BTreeSet::new(), BTreeSet::new());
        let known: BTreeMap<_, _> = states.iter().map(|(at, state)| (place(*at), state)).collect();
        for row in &feeds.audiences {
            stored.add("us_audience", row, &mut wrong);
            let state = known.get(&(row.created_at_us, row.id));
            if state.is_some_and(|state| row.content.as_ref() != Some(&state.post.content)) {
                wrong.push(Wrong::Foreign(format!("us_audience has {:?} there", row.content)));
            }
        }
        for (at, state) in states.iter() {
            let To::Groups(groups) = &state.post.to else { continue };
            let streams = groups.iter().flat_map(|group| copies(&group.stream(), feeds.copies));
            let deliveries: Vec<_> = streams.map(|stream| (stream, place(*at))).collect();
            may.extend(deliveries.iter().cloned());
            if state.acknowledged.is_some() {
                must.extend(deliveries);
            }
        }
        stored.compare("us_audience", &may, &must, &mut wrong);
        for (name, rows) in [("us_dismissed", &feeds.dismissed), ("us_retracted", &feeds.retracted)]
        {
            let mut stored = Stored::default();
            rows.iter().for_each(|row| stored.add(name, row, &mut wrong));
            let of_users = name == "us_dismissed";
            let hidings = |least| -> BTreeSet<Delivery> {
                let hidings = states.iter().flat_map(|(at, state)| hidings(*at, state, least));
                let wanted = hidings.filter(|(_, by)| by.is_some() == of_users);
                let streams = wanted.flat_map(|(at, by)| {
                    let streams = match by {
                        Some(user) => vec![user.to_string()],
                        None => copies("retracted", feeds.copies),
                    };
                    streams.into_iter().map(move |stream| (stream, place(at)))
                });
                streams.collect()
            };
            stored.compare(name, &hidings(Hidden::Maybe), &hidings(Hidden::Yes), &mut wrong);
        }
        wrong
    }
}

fn place(at: Cursor) -> (i64, i64) {
    (at.created_at_us(), at.id().get())
}

fn hidings(at: Cursor, state: &State, least: Hidden) -> Vec<(Cursor, Hider)> {
    let hidden = state.hidden.iter().filter(|(_, hidden)| **hidden >= least);
    hidden.map(|(by, _)| (at, *by)).collect()
}

/// The streams that hold the same.
fn copies(stream: &str, count: usize) -> Vec<String> {
    let numbered = (1..count).map(|copy| format!("{copy}:{stream}"));
    std::iter::once(stream.to_owned()).chain(numbered).collect()
}

/// What a feed has.
#[derive(Default)]
struct Stored(BTreeSet<Delivery>);

impl Stored {
    fn add(&mut self, feed: &str, row: &FeedRow, wrong: &mut Vec<Wrong>) {
        if row.content.is_none() {
            wrong.push(Wrong::Lost(format!("{feed} has a delivery without an item")));
        }
        let delivery = (row.stream.clone(), (row.created_at_us, row.id));
        if let Some((stream, place)) = self.0.replace(delivery) {
            wrong.push(Wrong::Duplicated(format!("{feed} has {place:?} twice for {stream}")));
        }
    }

    fn compare(
        &self,
        feed: &str,
        may: &BTreeSet<Delivery>,
        must: &BTreeSet<Delivery>,
        wrong: &mut Vec<Wrong>,
    ) {
        for (stream, place) in self.0.difference(may) {
            wrong.push(Wrong::Foreign(format!("{feed} has {place:?} for {stream}")));
        }
        for (stream, place) in must.difference(&self.0) {
            wrong.push(Wrong::Lost(format!("{feed} lacks {place:?} for {stream}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::posts::{Group, Post};

    fn row(stream: &str, post: &Post, content: &str) -> FeedRow {
        let (created_at_us, id) = place(post.at);
        let (stream, content) = (stream.to_owned(), Some(content.to_owned()));
        FeedRow { stream, created_at_us, id, content }
    }

    fn feeds(audiences: Vec<FeedRow>, dismissed: Vec<FeedRow>, retracted: Vec<FeedRow>) -> Feeds {
        Feeds { audiences, dismissed, retracted, copies: 1 }
    }

    #[test]
    fn an_acknowledged_item_is_once_in_each_stream_of_its_audiences() {
        let posts = Posts::default();
        let post = posts.shared(vec![Group::Everyone, Group::Team(1)]);
        let everyone = row("everyone", &post, &post.content);
        let team = row("audience:team:1", &post, &post.content);
        let checked = |rows: Vec<&FeedRow>| {
            posts.check_stored(&feeds(rows.into_iter().cloned().collect(), vec![], vec![]))
        };
        assert_eq!(checked(vec![]), []);
        assert_eq!(checked(vec![&everyone]), []);
        posts.acknowledge(post.at);
        assert_eq!(checked(vec![&everyone, &team]), []);
        assert!(matches!(checked(vec![&everyone])[..], [Wrong::Lost(_)]));
        assert!(matches!(checked(vec![&everyone, &team, &team])[..], [Wrong::Duplicated(_)]));
        let other = row("audience:team:2", &post, &post.content);
        assert!(matches!(checked(vec![&everyone, &team, &other])[..], [Wrong::Foreign(_)]));
        let other = row("everyone", &post, "another");
        assert!(matches!(checked(vec![&other, &team])[..], [Wrong::Foreign(_)]));
    }

    #[test]
    fn every_copy_of_a_stream_has_what_was_acknowledged() {
        let posts = Posts::default();
        let post = posts.shared(vec![Group::Everyone]);
        posts.acknowledge(post.at);
        let rows = ["everyone", "1:everyone"].map(|stream| row(stream, &post, &post.content));
        let mut stored = Feeds { copies: 2, ..feeds(rows.to_vec(), vec![], vec![]) };
        assert_eq!(posts.check_stored(&stored), []);
        stored.audiences.pop();
        assert!(matches!(posts.check_stored(&stored)[..], [Wrong::Lost(_)]));
    }

    #[test]
    fn what_is_hidden_is_stored_for_who_has_hidden_it() {
        let posts = Posts::default();
        let post = posts.shared(vec![Group::Everyone]);
        let (by_one, by_two) = (row("1", &post, ""), row("2", &post, ""));
        let retracted = row("retracted", &post, "");
        posts.hide(post.at, Some(1));
        posts.hide(post.at, None);
        let checked =
            |dismissed, retracted| posts.check_stored(&feeds(vec![], dismissed, retracted));
        assert_eq!(checked(vec![], vec![]), []);
        assert_eq!(checked(vec![by_one.clone()], vec![retracted.clone()]), []);
        assert!(matches!(checked(vec![by_two], vec![])[..], [Wrong::Foreign(_)]));
        posts.hidden(post.at, Some(1));
        posts.hidden(post.at, None);
        assert_eq!(checked(vec![by_one], vec![retracted]), []);
        assert!(matches!(checked(vec![], vec![])[..], [Wrong::Lost(_), Wrong::Lost(_)]));
    }
}

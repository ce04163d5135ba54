//! The steps over the backend and over the model.

use user_streams_core::{
    Audience, Membership, NewItem, StreamItems, Streams, UserId, audience,
    backend::{Capability, DeleteRange},
    everyone,
};

use super::{
    super::model::{same, text},
    model::{MAX_AGE, Model},
    step::{AUDIENCES, Bounds, Said, Step, USERS, View},
};
use crate::{Namespace, beside::name};

/// The backend and the model, with users and audiences of this plan alone.
pub(super) struct Pair<'a> {
    pub(super) ns: &'a Namespace,
    pub(super) feeds: &'a [Streams; 2],
    pub(super) ids: Vec<UserId>,
    pub(super) audiences: [Audience; AUDIENCES],
    pub(super) model: Model,
    pub(super) items: Vec<NewItem>,
}

impl<'a> Pair<'a> {
    pub(super) fn new(ns: &'a Namespace, feeds: &'a [Streams; 2]) -> Self {
        let [first, a, b] = ["everyone", "a", "b"].map(|text| audience(name(text)));
        // What another plan has sent to everyone must be gone.
        let first = if ns.has(Capability::RemoveStreamItem) { everyone() } else { first };
        let (audiences, ids) = ([first, a, b], ns.users(USERS));
        Self { ns, feeds, ids, audiences, model: Model::default(), items: Vec::new() }
    }

    pub(super) async fn run(&mut self, plan: &[Step]) -> Result<(), String> {
        for (at, step) in plan.iter().enumerate() {
            if self.can(step) {
                self.step(step).await.map_err(|difference| format!("step {at}: {difference}"))?;
            }
        }
        Ok(())
    }

    /// Leaves nothing to the next plan, whatever the model knows if it may be wrong.
    pub(super) async fn leave(&self, agreed: bool) {
        for (feed, model) in self.feeds.iter().zip(&self.model.feeds) {
            if self.ns.has(Capability::RemoveStreamItem) {
                for item in self.items.iter().map(NewItem::cursor) {
                    if !agreed || model.audiences[0].contains_key(&item) {
                        let removed = feed.remove_stream_item(everyone(), item).await;
                        removed.expect("an item is removed");
                    }
                    if !agreed || model.retracted.contains(&item) {
                        feed.unretract(item).await.expect("a retraction is undone");
                    }
                }
            }
            if self.ns.has(Capability::DeleteStream) {
                for user in &self.ids {
                    feed.delete_user(user).await.expect("a user is deleted");
                }
            }
        }
    }

    /// Whether the backend has what the step needs.
    fn can(&self, step: &Step) -> bool {
        let needs: &[Capability] = match step {
            Step::Bulk { .. } => &[Capability::BulkAdd],
            Step::Remove { .. }
            | Step::TakeBack { .. }
            | Step::Dismiss { undo: true, .. }
            | Step::Retract { undo: true, .. } => &[Capability::RemoveStreamItem],
            Step::MarkItem { .. } => &[Capability::RemoveStreamItem, Capability::DeleteRange],
            Step::DeleteRange { .. } | Step::MarkUpTo { back: true, .. } => {
                &[Capability::DeleteRange]
            }
            Step::DeleteUser { .. } => &[Capability::DeleteStream],
            Step::Trim { .. } => {
                &[Capability::ListUsers, Capability::DeleteRange, Capability::RemoveStreamItem]
            }
            _ => &[],
        };
        needs.iter().all(|needed| self.ns.has(*needed))
    }

    async fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Add { feed, users, at, content } => {
                let item = NewItem::new(content.as_str()).with_created_at(&at.instant());
                self.items.push(item.clone());
                self.add(*feed, users, item).await
            }
            Step::Again { feed, users, item } => match self.item(*item) {
                Some(item) => self.add(*feed, users, item).await,
                None => Ok(()),
            },
            Step::Send { feed, audiences, at, content } => {
                let item = NewItem::new(content.as_str()).with_created_at(&at.instant());
                self.items.push(item.clone());
                self.send(*feed, audiences, item).await
            }
            Step::SendAgain { feed, audiences, item } => match self.item(*item) {
                Some(item) => self.send(*feed, audiences, item).await,
                None => Ok(()),
            },
            Step::TakeBack { feed, audiences, item } => {
                self.take_back(*feed, audiences, *item).await
            }
            Step::Dismiss { feed, user, item, undo } => {
                self.dismiss(*feed, *user, *item, *undo).await
            }
            Step::Retract { feed, item, undo } => self.retract(*feed, *item, *undo).await,
            Step::Trim { feed, bounds } => self.trim(*feed, *bounds).await,
            Step::Bulk { feed, rows } => self.bulk(*feed, rows).await,
            Step::Remove { feed, users, item } => self.remove(*feed, users, *item).await,
            Step::DeleteRange { feed, user, newer_than, older_than } => {
                self.delete_range(*feed, *user, *newer_than, *older_than).await
            }
            Step::DeleteUser { feed, user } => self.delete_user(*feed, *user).await,
            Step::Slice { user, view, start, len } => self.slice(*user, *view, *start, *len).await,
            Step::Page { user, view, item, limit, older } => {
                self.page(*user, *view, *item, *limit, *older).await
            }
            Step::Walk { user, view, limit } => self.walk(*user, *view, *limit).await,
            Step::Unread { user, view, limit } => self.unread(*user, *view, *limit).await,
            Step::MarkNewest { user, view } => self.mark_newest(*user, *view).await,
            Step::MarkUpTo { user, item, back } => self.mark_up_to(*user, *item, *back).await,
            Step::MarkItem { user, item, read } => self.mark_item(*user, *item, *read).await,
        }
    }

    pub(super) fn item(&self, item: usize) -> Option<NewItem> {
        self.items.get(item % self.items.len().max(1)).cloned()
    }

    fn named(&self, users: &[usize]) -> Vec<UserId> {
        users.iter().map(|at| self.ids[*at].clone()).collect()
    }

    pub(super) fn view(&self, user: usize, view: View) -> Result<StreamItems, String> {
        let mut streams = bounded(&self.feeds[0], view.bounds);
        if view.merged {
            streams = streams.merge([self.ns.named("algebra_b")]).map_err(text)?;
        }
        let said = self.audiences.iter().zip(view.said).filter_map(|(audience, said)| match said {
            // Everyone is a member without a word, of what stands for everyone as well.
            Said::Nothing if *audience != self.audiences[0] => None,
            Said::Nothing if *audience == everyone() => None,
            Said::Nothing | Said::Whole => Some(Membership::from(audience.clone())),
            Said::Since(at) => Some(audience.clone().since(at.instant())),
        });
        let mut items = streams.get_stream_items(&self.ids[user]).with_audiences(said);
        if let Some(since) = view.since {
            items = items.since(since.instant());
        }
        if let Some(until) = view.until {
            items = items.until(until.instant());
        }
        Ok(items)
    }

    async fn add(&mut self, feed: usize, users: &[usize], item: NewItem) -> Result<(), String> {
        let mut expected = 0;
        for user in users {
            let items = &mut self.model.feeds[feed].users[*user];
            let before = items.insert(item.cursor(), item.content().into());
            expected += u64::from(before.is_none());
        }
        let add = self.feeds[feed].add_stream_item(self.named(users), item);
        same("delivered", add.await.map_err(text)?.delivered, expected)
    }

    async fn bulk(&mut self, feed: usize, rows: &[(usize, usize)]) -> Result<(), String> {
        let (mut args, mut expected) = (Vec::new(), 0);
        for (user, item) in rows {
            let Some(item) = self.item(*item) else { return Ok(()) };
            let items = &mut self.model.feeds[feed].users[*user];
            expected += u64::from(items.insert(item.cursor(), item.content().into()).is_none());
            args.push((self.ids[*user].clone(), item));
        }
        same("added", self.feeds[feed].bulk_add(args).await.map_err(text)?, expected)
    }

    async fn remove(&mut self, feed: usize, users: &[usize], item: usize) -> Result<(), String> {
        let Some(item) = self.item(item) else { return Ok(()) };
        let mut expected = 0;
        for user in users {
            let removed = self.model.feeds[feed].users[*user].remove(&item.cursor());
            expected += u64::from(removed.is_some());
        }
        let removed = self.feeds[feed].remove_stream_item(self.named(users), item.cursor());
        same("removed", removed.await.map_err(text)?, expected)
    }

    async fn delete_range(
        &mut self,
        feed: usize,
        user: usize,
        newer_than: usize,
        older_than: usize,
    ) -> Result<(), String> {
        let (Some(newer), Some(older)) = (self.item(newer_than), self.item(older_than)) else {
            return Ok(());
        };
        let (newer, older) = (newer.cursor(), older.cursor());
        let items = &mut self.model.feeds[feed].users[user];
        let before = items.len();
        items.retain(|item, _| !(*item > newer && *item < older));
        let expected = (before - items.len()) as u64;
        let range = DeleteRange::new(self.ids[user].clone()).newer_than(newer).older_than(older);
        let name = self.ns.named(["algebra", "algebra_b"][feed]).parse().map_err(text)?;
        let feed = self.ns.backend().feed(&name, self.ns.kind()).map_err(text)?;
        same("deleted", feed.delete_range(range).await.map_err(text)?, expected)
    }

    async fn delete_user(&mut self, feed: usize, user: usize) -> Result<(), String> {
        let gone = std::mem::take(&mut self.model.feeds[feed].users[user]);
        self.model.feeds[feed].dismissed[user].clear();
        if feed == 0 {
            self.model.marks[user] = Default::default();
        }
        let deleted = self.feeds[feed].delete_user(&self.ids[user]).await;
        same("deleted with the user", deleted.map_err(text)?, gone.len() as u64)
    }
}

/// The streams with these settings.
pub(super) fn bounded(streams: &Streams, bounds: Bounds) -> Streams {
    let mut streams = streams.clone().with_hide_future(bounds.hide_future);
    if let Some(max_len) = bounds.max_len {
        streams = streams.with_max_len(max_len);
    }
    if bounds.max_age {
        streams = streams.with_max_age(MAX_AGE);
    }
    streams
}

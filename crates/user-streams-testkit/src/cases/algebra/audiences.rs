//! What is sent to audiences, what is hidden, and what a trim takes of all.

use user_streams_core::{Audience, NewItem};

use super::{
    super::model::{same, text},
    compare::{Pair, bounded},
    step::{AUDIENCES, Bounds, Said, USERS, View},
};

impl Pair<'_> {
    fn of(&self, audiences: &[usize]) -> Vec<Audience> {
        audiences.iter().map(|at| self.audiences[*at].clone()).collect()
    }

    pub(super) async fn send(
        &mut self,
        feed: usize,
        audiences: &[usize],
        item: NewItem,
    ) -> Result<(), String> {
        let mut expected = 0;
        for audience in audiences {
            let items = &mut self.model.feeds[feed].audiences[*audience];
            let before = items.insert(item.cursor(), item.content().into());
            expected += u64::from(before.is_none());
        }
        let add = self.feeds[feed].add_stream_item(self.of(audiences), item);
        same("audiences served", add.await.map_err(text)?.delivered, expected)
    }

    pub(super) async fn take_back(
        &mut self,
        feed: usize,
        audiences: &[usize],
        item: usize,
    ) -> Result<(), String> {
        let Some(item) = self.item(item) else { return Ok(()) };
        let mut expected = 0;
        for audience in audiences {
            let removed = self.model.feeds[feed].audiences[*audience].remove(&item.cursor());
            expected += u64::from(removed.is_some());
        }
        let removed = self.feeds[feed].remove_stream_item(self.of(audiences), item.cursor());
        same("audiences without it", removed.await.map_err(text)?, expected)
    }

    pub(super) async fn dismiss(
        &mut self,
        feed: usize,
        user: usize,
        item: usize,
        undo: bool,
    ) -> Result<(), String> {
        let Some(item) = self.item(item).map(|item| item.cursor()) else { return Ok(()) };
        let items = self.feeds[feed].get_stream_items(&self.ids[user]);
        let dismissed = &mut self.model.feeds[feed].dismissed[user];
        let (expected, changed) = if undo {
            (dismissed.remove(&item), items.undismiss(item).await)
        } else {
            (dismissed.insert(item), items.dismiss(item).await)
        };
        same("dismissed or not any more", changed.map_err(text)?, expected)
    }

    pub(super) async fn retract(
        &mut self,
        feed: usize,
        item: usize,
        undo: bool,
    ) -> Result<(), String> {
        let Some(item) = self.item(item).map(|item| item.cursor()) else { return Ok(()) };
        let (streams, retracted) = (&self.feeds[feed], &mut self.model.feeds[feed].retracted);
        let (expected, changed) = if undo {
            (retracted.remove(&item), streams.unretract(item).await)
        } else {
            (retracted.insert(item), streams.retract(item).await)
        };
        same("retracted or not any more", changed.map_err(text)?, expected)
    }

    pub(super) async fn trim(&mut self, feed: usize, bounds: Bounds) -> Result<(), String> {
        let before = self.model.seen(bounds);
        self.model.trim(feed, bounds);
        same("what is seen after a trim", self.model.seen(bounds), before)?;
        let trimmed = bounded(&self.feeds[feed], bounds).trim().await.map_err(text)?;
        same("the place after a trim", trimmed.next, None)?;
        let said = [Said::Whole; AUDIENCES];
        for (user, merged) in (0..USERS).flat_map(|user| [(user, false), (user, true)]) {
            let view = View { merged, said, bounds, since: None, until: None };
            self.slice(user, view, 0, 99).await?;
        }
        Ok(())
    }
}

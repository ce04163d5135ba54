//! What is read, and up to where.

use user_streams_core::{Cursor, StreamItem};

use super::{
    super::model::{same, text},
    compare::Pair,
    step::View,
};

impl Pair<'_> {
    pub(super) async fn slice(
        &self,
        user: usize,
        view: View,
        start: usize,
        len: usize,
    ) -> Result<(), String> {
        let expected = self.model.visible(user, view);
        let items = self.view(user, view)?;
        same("count", items.count().await.map_err(text)?, expected.len())?;
        let found = items.slice(start..start + len).await.map_err(text)?;
        let expected: Vec<_> = expected.into_iter().skip(start).take(len).collect();
        same("slice", show(&found), expected.clone())?;
        let are_read = items.are_read(&found).await.map_err(text)?;
        let expected: Vec<_> =
            expected.iter().map(|(item, _)| self.model.marks[user].is_read(*item)).collect();
        same("read", are_read, expected)
    }

    pub(super) async fn page(
        &self,
        user: usize,
        view: View,
        item: usize,
        limit: usize,
        older: bool,
    ) -> Result<(), String> {
        let Some(item) = self.item(item) else { return Ok(()) };
        let (at, page) = (item.cursor(), self.view(user, view)?.cursor_page(limit));
        let page = if older { page.after(at) } else { page.before(at) }.await.map_err(text)?;
        let mut expected = self.model.visible(user, view);
        expected.retain(|(item, _)| if older { *item < at } else { *item > at });
        let more = expected.len() > limit;
        if older {
            expected.truncate(limit);
        } else {
            expected.drain(..expected.len().saturating_sub(limit));
        }
        let next = expected.last().filter(|_| more || !older).map(|(item, _)| *item);
        let previous = expected.first().filter(|_| more || older).map(|(item, _)| *item);
        same("page", show(&page.items), expected)?;
        same("next and previous", (page.next, page.previous), (next, previous))
    }

    pub(super) async fn walk(&self, user: usize, view: View, limit: usize) -> Result<(), String> {
        let expected = self.model.visible(user, view);
        let items = self.view(user, view)?;
        let (mut found, mut page) = (Vec::new(), items.cursor_page(limit).await.map_err(text)?);
        while found.len() <= expected.len() {
            found.extend(page.items);
            let Some(next) = page.next else { break };
            page = items.cursor_page(limit).after(next).await.map_err(text)?;
        }
        same("walk", show(&found), expected.clone())?;
        same("all", show(&items.await.map_err(text)?), expected)
    }

    pub(super) async fn unread(&self, user: usize, view: View, limit: usize) -> Result<(), String> {
        let expected = self.model.visible(user, view);
        let unread =
            expected.iter().filter(|(item, _)| !self.model.marks[user].is_read(*item)).count();
        let found = self.view(user, view)?.unread(limit).await.map_err(text)?;
        same("unread", found, unread.min(limit))
    }

    pub(super) async fn mark_newest(&mut self, user: usize, view: View) -> Result<(), String> {
        let newest = self.model.visible(user, view).first().map(|(item, _)| *item);
        let expected = newest.is_some_and(|newest| self.model.marks[user].set(newest, false));
        let moved = self.view(user, view)?.mark_read().await.map_err(text)?;
        same("moved", moved, expected)
    }

    pub(super) async fn mark_up_to(
        &mut self,
        user: usize,
        item: usize,
        back: bool,
    ) -> Result<(), String> {
        let Some(to) = self.item(item).map(|item| item.cursor()) else { return Ok(()) };
        let expected = self.model.marks[user].set(to, back);
        let items = self.feeds[0].get_stream_items(&self.ids[user]);
        let mark = items.mark_read().up_to(to);
        let moved = if back { mark.back() } else { mark }.await.map_err(text)?;
        same("moved", moved, expected)?;
        same("mark", items.read_up_to().await.map_err(text)?, self.model.marks[user].mark)
    }

    pub(super) async fn mark_item(
        &mut self,
        user: usize,
        item: usize,
        read: bool,
    ) -> Result<(), String> {
        let Some(item) = self.item(item).map(|item| item.cursor()) else { return Ok(()) };
        let model = &mut self.model.marks[user];
        let items = self.feeds[0].get_stream_items(&self.ids[user]);
        let marked = if read {
            model.unread.remove(&item);
            if Some(item) > model.mark {
                model.read.insert(item);
            }
            items.mark_item_read(item).await
        } else {
            model.read.remove(&item);
            if Some(item) <= model.mark {
                model.unread.insert(item);
            }
            items.mark_item_unread(item).await
        };
        marked.map_err(text)
    }
}

fn show(items: &[StreamItem]) -> Vec<(Cursor, String)> {
    items.iter().map(|item| (item.cursor(), item.content.clone())).collect()
}

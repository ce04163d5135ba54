//! Random sequences of everything that is made of several operations (merged feeds, bounds, marks,
//! single items that are read) agree with a model that is as simple as can be.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use tokio::{runtime::Handle, task};
use user_streams_core::{
    Cursor, ItemId, NewItem, StreamItem, StreamItems, Streams, UserId,
    backend::{Backend, Capability, DeleteRange},
};

use super::model::{same, text};
use crate::{Namespace, case::cases};

cases![random_feeds_marks_and_bounds_agree_with_the_model; requires Feeds,];

const PLANS: u32 = 32;
const USERS: usize = 2;
const SHRINKS: u32 = 300;
const OLDER_THAN_MAX_AGE: i64 = -10;
const MAX_AGE: Duration = Duration::from_secs(5 * 86_400);
const TO_COME: i64 = 2;

/// Few instants for many items: microseconds around the midnights of three days.
#[derive(Debug, Clone, Copy)]
struct At {
    day: i64,
    micros: i64,
}

impl At {
    fn instant(self) -> DateTime<Utc> {
        let midnight = Utc::now().date_naive().and_hms_opt(0, 0, 0).unwrap_or_default().and_utc();
        midnight + TimeDelta::days(self.day) + TimeDelta::microseconds(self.micros)
    }
}

/// Which streams are read, and what of them.
#[derive(Debug, Clone, Copy)]
struct View {
    merged: bool,
    max_len: Option<u64>,
    max_age: bool,
    hide_future: bool,
    since: Option<At>,
    until: Option<At>,
}

#[derive(Debug, Clone)]
enum Step {
    Add { feed: bool, users: Vec<usize>, at: At, content: String },
    Again { feed: bool, users: Vec<usize>, item: usize },
    Bulk { feed: bool, rows: Vec<(usize, usize)> },
    Remove { feed: bool, users: Vec<usize>, item: usize },
    DeleteRange { feed: bool, user: usize, newer_than: usize, older_than: usize },
    DeleteUser { user: usize },
    Slice { user: usize, view: View, start: usize, len: usize },
    Page { user: usize, view: View, item: usize, limit: usize, older: bool },
    Walk { user: usize, view: View, limit: usize },
    Unread { user: usize, view: View, limit: usize },
    MarkNewest { user: usize, view: View },
    MarkUpTo { user: usize, item: usize, back: bool },
    MarkItem { user: usize, item: usize, read: bool },
}

fn at() -> impl Strategy<Value = At> {
    let day = prop_oneof![1 => Just(OLDER_THAN_MAX_AGE), 6 => Just(0), 1 => Just(TO_COME)];
    (day, -3..3_i64).prop_map(|(day, micros)| At { day, micros })
}

fn view() -> impl Strategy<Value = View> {
    let maybe = || proptest::option::weighted(0.3, at());
    let max_len = proptest::option::of(0..8_u64);
    (any::<bool>(), max_len, any::<bool>(), any::<bool>(), maybe(), maybe()).prop_map(
        |(merged, max_len, max_age, hide_future, since, until)| View {
            merged,
            max_len,
            max_age,
            hide_future,
            since,
            until,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let users = || proptest::collection::vec(0..USERS, 1..4);
    let (item, feed) = (|| 0..40_usize, any::<bool>);
    let add = (feed(), users(), at(), "\\PC{0,4}");
    let page = (0..USERS, view(), item(), 1..5_usize, any::<bool>());
    prop_oneof![
        8 => add.prop_map(|(feed, users, at, content)| Step::Add { feed, users, at, content }),
        4 => (feed(), users(), item())
            .prop_map(|(feed, users, item)| Step::Again { feed, users, item }),
        1 => (feed(), proptest::collection::vec((0..USERS, item()), 0..6))
            .prop_map(|(feed, rows)| Step::Bulk { feed, rows }),
        2 => (feed(), users(), item())
            .prop_map(|(feed, users, item)| Step::Remove { feed, users, item }),
        1 => (feed(), 0..USERS, item(), item()).prop_map(|(feed, user, newer_than, older_than)| {
            Step::DeleteRange { feed, user, newer_than, older_than }
        }),
        1 => (0..USERS).prop_map(|user| Step::DeleteUser { user }),
        5 => (0..USERS, view(), 0..9_usize, 0..9_usize)
            .prop_map(|(user, view, start, len)| Step::Slice { user, view, start, len }),
        6 => page.prop_map(|(user, view, item, limit, older)| {
            Step::Page { user, view, item, limit, older }
        }),
        2 => (0..USERS, view(), 1..5_usize)
            .prop_map(|(user, view, limit)| Step::Walk { user, view, limit }),
        5 => (0..USERS, view(), 0..12_usize)
            .prop_map(|(user, view, limit)| Step::Unread { user, view, limit }),
        1 => (0..USERS, view()).prop_map(|(user, view)| Step::MarkNewest { user, view }),
        2 => (0..USERS, item(), any::<bool>())
            .prop_map(|(user, item, back)| Step::MarkUpTo { user, item, back }),
        3 => (0..USERS, item(), any::<bool>())
            .prop_map(|(user, item, read)| Step::MarkItem { user, item, read }),
    ]
}

async fn random_feeds_marks_and_bounds_agree_with_the_model(ns: Namespace) {
    let config = Config {
        cases: PLANS,
        max_shrink_iters: SHRINKS,
        failure_persistence: None,
        ..Config::default()
    };
    let streams = Streams::from_backend(ns.backend().clone()).with_use_utc(true);
    let streams = streams.with_feeds(["news"]).expect("a backend of feeds has this one");
    let item_marks = ns.has(Capability::RemoveStreamItem) && ns.has(Capability::DeleteRange);
    let streams = streams.with_item_marks(item_marks).expect("a backend of feeds has these");
    if ns.has(Capability::Migrate) {
        streams.migrate().await.expect("feeds can be migrated");
    }
    let runtime = Handle::current();
    let run = move || {
        let plans = proptest::collection::vec(step(), 1..60);
        let compare = |plan: Vec<Step>| runtime.block_on(compare(&ns, &streams, &plan));
        TestRunner::new(config)
            .run(&plans, |plan| compare(plan).map_err(TestCaseError::fail))
            .map_err(|error| format!("{error:#}"))
    };
    let agreed = task::spawn_blocking(run).await.expect("a comparison ends");
    if let Err(difference) = agreed {
        panic!("what is made of several operations must be as the model has it: {difference}");
    }
}

/// Everything of one user.
#[derive(Debug, Default)]
struct User {
    main: BTreeMap<Cursor, String>,
    news: BTreeMap<Cursor, String>,
    mark: Option<Cursor>,
    read: BTreeSet<Cursor>,
    unread: BTreeSet<Cursor>,
}

impl User {
    fn feed(&mut self, news: bool) -> &mut BTreeMap<Cursor, String> {
        if news { &mut self.news } else { &mut self.main }
    }

    /// What is there, newest first.
    fn visible(&self, view: View) -> Vec<(Cursor, String)> {
        let now = Utc::now();
        let mut all = self.main.clone();
        if view.merged {
            all.extend(self.news.clone());
        }
        let mut items: Vec<_> = all.into_iter().rev().collect();
        let at = |(cursor, _): &(Cursor, String)| cursor.created_at();
        if view.hide_future {
            items.retain(|item| at(item) <= now);
        }
        if let Some(max_len) = view.max_len {
            items.truncate(usize::try_from(max_len).unwrap_or(usize::MAX));
        }
        if view.max_age {
            items.retain(|item| at(item) >= now - MAX_AGE);
        }
        items.retain(|item| view.since.is_none_or(|since| at(item) >= since.instant()));
        items.retain(|item| view.until.is_none_or(|until| at(item) < until.instant()));
        items
    }

    fn is_read(&self, item: Cursor) -> bool {
        if Some(item) <= self.mark {
            !self.unread.contains(&item)
        } else {
            self.read.contains(&item)
        }
    }

    fn mark(&mut self, to: Cursor, back: bool) -> bool {
        self.read.retain(|item| *item > to);
        self.unread.retain(|item| *item > to);
        let moves = if back { self.mark != Some(to) } else { self.mark < Some(to) };
        if moves {
            self.mark = Some(to);
        }
        moves
    }
}

struct Pair<'a> {
    backend: &'a Arc<dyn Backend>,
    streams: &'a Streams,
    ids: Vec<UserId>,
    model: Vec<User>,
    items: Vec<NewItem>,
}

async fn compare(ns: &Namespace, streams: &Streams, plan: &[Step]) -> Result<(), String> {
    let model = (0..USERS).map(|_| User::default()).collect();
    let (backend, ids) = (ns.backend(), ns.users(USERS));
    let mut pair = Pair { backend, streams, ids, model, items: Vec::new() };
    for (at, step) in plan.iter().enumerate() {
        pair.step(step).await.map_err(|difference| format!("step {at}: {difference}"))?;
    }
    Ok(())
}

impl Pair<'_> {
    async fn step(&mut self, step: &Step) -> Result<(), String> {
        let has = |capability| self.backend.capabilities().has(capability);
        match step {
            // What the backend does not have.
            Step::Bulk { .. } if !has(Capability::BulkAdd) => Ok(()),
            Step::Remove { .. } | Step::MarkItem { .. } if !has(Capability::RemoveStreamItem) => {
                Ok(())
            }
            Step::DeleteRange { .. } | Step::MarkUpTo { back: true, .. }
                if !has(Capability::DeleteRange) =>
            {
                Ok(())
            }
            Step::DeleteUser { .. } if !has(Capability::DeleteStream) => Ok(()),
            Step::Add { feed, users, at, content } => {
                let item = NewItem::new(content.as_str())
                    .with_id(ItemId::generate())
                    .with_created_at(&at.instant());
                self.items.push(item.clone());
                self.add(*feed, users, item).await
            }
            Step::Again { feed, users, item } => match self.item(*item) {
                Some(item) => self.add(*feed, users, item).await,
                None => Ok(()),
            },
            Step::Bulk { feed, rows } => self.bulk(*feed, rows).await,
            Step::Remove { feed, users, item } => self.remove(*feed, users, *item).await,
            Step::DeleteRange { feed, user, newer_than, older_than } => {
                self.delete_range(*feed, *user, *newer_than, *older_than).await
            }
            Step::DeleteUser { user } => self.delete_user(*user).await,
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

    fn item(&self, item: usize) -> Option<NewItem> {
        self.items.get(item % self.items.len().max(1)).cloned()
    }

    fn feed(&self, news: bool) -> Result<Streams, String> {
        if news { self.streams.feed("news").map_err(text) } else { Ok(self.streams.clone()) }
    }

    fn named(&self, users: &[usize]) -> Vec<UserId> {
        users.iter().map(|at| self.ids[*at].clone()).collect()
    }

    fn view(&self, user: usize, view: View) -> Result<StreamItems, String> {
        let mut streams = self.streams.clone();
        if view.merged {
            streams = streams.merge(["news"]).map_err(text)?;
        }
        if let Some(max_len) = view.max_len {
            streams = streams.with_max_len(max_len);
        }
        if view.max_age {
            streams = streams.with_max_age(MAX_AGE);
        }
        let streams = streams.with_hide_future(view.hide_future);
        let mut items = streams.get_stream_items(&self.ids[user]);
        if let Some(since) = view.since {
            items = items.since(since.instant());
        }
        if let Some(until) = view.until {
            items = items.until(until.instant());
        }
        Ok(items)
    }

    async fn add(&mut self, news: bool, users: &[usize], item: NewItem) -> Result<(), String> {
        let mut expected = 0;
        for user in users {
            let before = self.model[*user].feed(news).insert(item.cursor(), item.content().into());
            expected += u64::from(before.is_none());
        }
        let add = self.feed(news)?.add_stream_item(self.named(users), item);
        same("delivered", add.await.map_err(text)?.delivered, expected)
    }

    async fn bulk(&mut self, news: bool, rows: &[(usize, usize)]) -> Result<(), String> {
        let (mut args, mut expected) = (Vec::new(), 0);
        for (user, item) in rows {
            let Some(item) = self.item(*item) else { return Ok(()) };
            let feed = self.model[*user].feed(news);
            expected += u64::from(feed.insert(item.cursor(), item.content().into()).is_none());
            args.push((self.ids[*user].clone(), item));
        }
        same("added", self.feed(news)?.bulk_add(args).await.map_err(text)?, expected)
    }

    async fn remove(&mut self, news: bool, users: &[usize], item: usize) -> Result<(), String> {
        let Some(item) = self.item(item) else { return Ok(()) };
        let mut expected = 0;
        for user in users {
            let removed = self.model[*user].feed(news).remove(&item.cursor());
            expected += u64::from(removed.is_some());
        }
        let removed = self.feed(news)?.remove_stream_item(self.named(users), item.cursor());
        same("removed", removed.await.map_err(text)?, expected)
    }

    async fn delete_range(
        &mut self,
        news: bool,
        user: usize,
        newer_than: usize,
        older_than: usize,
    ) -> Result<(), String> {
        let (Some(newer), Some(older)) = (self.item(newer_than), self.item(older_than)) else {
            return Ok(());
        };
        let (newer, older) = (newer.cursor(), older.cursor());
        let feed = self.model[user].feed(news);
        let before = feed.len();
        feed.retain(|item, _| !(*item > newer && *item < older));
        let expected = (before - feed.len()) as u64;
        let range = DeleteRange::new(self.ids[user].clone()).newer_than(newer).older_than(older);
        let deleted = if news {
            let name = "news".parse().map_err(text)?;
            self.backend.feed(&name, self.backend.capabilities().user_id()).map_err(text)?
        } else {
            Arc::clone(self.backend)
        };
        let deleted = deleted.delete_range(range).await;
        same("deleted", deleted.map_err(text)?, expected)
    }

    async fn delete_user(&mut self, user: usize) -> Result<(), String> {
        let gone = std::mem::take(&mut self.model[user]);
        let expected = (gone.main.len() + gone.news.len()) as u64;
        let deleted = self.streams.delete_user(&self.ids[user]).await;
        same("deleted with the user", deleted.map_err(text)?, expected)
    }

    async fn slice(&self, user: usize, view: View, start: usize, len: usize) -> Result<(), String> {
        let expected = self.model[user].visible(view);
        let items = self.view(user, view)?;
        same("count", items.count().await.map_err(text)?, expected.len())?;
        let found = items.slice(start..start + len).await.map_err(text)?;
        let expected: Vec<_> = expected.into_iter().skip(start).take(len).collect();
        same("slice", show(&found), expected.clone())?;
        let are_read = items.are_read(&found).await.map_err(text)?;
        let expected: Vec<_> =
            expected.iter().map(|(item, _)| self.model[user].is_read(*item)).collect();
        same("read", are_read, expected)
    }

    async fn page(
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
        let mut expected = self.model[user].visible(view);
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

    async fn walk(&self, user: usize, view: View, limit: usize) -> Result<(), String> {
        let expected = self.model[user].visible(view);
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

    async fn unread(&self, user: usize, view: View, limit: usize) -> Result<(), String> {
        let expected = self.model[user].visible(view);
        let unread = expected.iter().filter(|(item, _)| !self.model[user].is_read(*item)).count();
        let found = self.view(user, view)?.unread(limit).await.map_err(text)?;
        same("unread", found, unread.min(limit))
    }

    async fn mark_newest(&mut self, user: usize, view: View) -> Result<(), String> {
        let newest = self.model[user].visible(view).first().map(|(item, _)| *item);
        let expected = newest.is_some_and(|newest| self.model[user].mark(newest, false));
        let moved = self.view(user, view)?.mark_read().await.map_err(text)?;
        same("moved", moved, expected)
    }

    async fn mark_up_to(&mut self, user: usize, item: usize, back: bool) -> Result<(), String> {
        let Some(to) = self.item(item).map(|item| item.cursor()) else { return Ok(()) };
        let expected = self.model[user].mark(to, back);
        let items = self.streams.get_stream_items(&self.ids[user]);
        let mark = items.mark_read().up_to(to);
        let moved = if back { mark.back() } else { mark }.await.map_err(text)?;
        same("moved", moved, expected)?;
        same("mark", items.read_up_to().await.map_err(text)?, self.model[user].mark)
    }

    async fn mark_item(&mut self, user: usize, item: usize, read: bool) -> Result<(), String> {
        let Some(item) = self.item(item).map(|item| item.cursor()) else { return Ok(()) };
        let model = &mut self.model[user];
        let items = self.streams.get_stream_items(&self.ids[user]);
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

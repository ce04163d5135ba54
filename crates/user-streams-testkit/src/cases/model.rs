//! Random sequences of operations agree item by item with the memory backend, which is the model.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use tokio::{runtime::Handle, task};
use user_streams_core::{
    Cursor, ItemId, MemoryBackend, MemoryConfig, NewItem, StreamItem, Streams, UserId,
    backend::Capability,
};

use crate::{Kinds, Namespace, case::cases};

cases![random_operations_agree_with_the_model for Kinds::Every,];

const PLANS: u32 = 24;
const USERS: usize = 3;
/// How many times a plan that fails is tried in a smaller form.
const SHRINKS: u32 = 200;

/// Users, times and items are small numbers, so that they meet.
#[derive(Debug, Clone)]
enum Step {
    Add { users: Vec<usize>, at: i64, content: String },
    Retry { users: Vec<usize>, item: usize },
    Slice { user: usize, start: usize, len: usize },
    Page { user: usize, item: usize, limit: usize, older: bool },
    Walk { user: usize, limit: usize },
    Delete { user: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let users = || proptest::collection::vec(0..USERS, 1..5);
    prop_oneof![
        6 => (users(), -3..3_i64, "\\PC{0,8}")
            .prop_map(|(users, at, content)| Step::Add { users, at, content }),
        2 => (users(), 0..60_usize).prop_map(|(users, item)| Step::Retry { users, item }),
        3 => (0..USERS, 0..12_usize, 0..12_usize)
            .prop_map(|(user, start, len)| Step::Slice { user, start, len }),
        3 => (0..USERS, 0..60_usize, 1..4_usize, any::<bool>())
            .prop_map(|(user, item, limit, older)| Step::Page { user, item, limit, older }),
        1 => (0..USERS, 1..6_usize).prop_map(|(user, limit)| Step::Walk { user, limit }),
        1 => (0..USERS).prop_map(|user| Step::Delete { user }),
    ]
}

async fn random_operations_agree_with_the_model(ns: Namespace) {
    let config = Config {
        cases: PLANS,
        max_shrink_iters: SHRINKS,
        // What failed is in the message, in its smallest form; nothing is written beside the
        // backend's sources.
        failure_persistence: None,
        ..Config::default()
    };
    let (plans, runtime) = (proptest::collection::vec(step(), 1..60), Handle::current());
    let run = move || {
        TestRunner::new(config)
            .run(&plans, |plan| runtime.block_on(compare(&ns, &plan)).map_err(TestCaseError::fail))
            .map_err(|error| format!("{error:#}"))
    };
    let agreed = task::spawn_blocking(run).await.expect("a comparison ends");
    if let Err(difference) = agreed {
        panic!("the backend must do what the memory backend does: {difference}");
    }
}

/// The backend, the model, and what was added so far.
struct Pair {
    backend: Streams,
    model: Streams,
    users: Vec<UserId>,
    items: Vec<NewItem>,
}

async fn compare(ns: &Namespace, plan: &[Step]) -> Result<(), String> {
    let model = MemoryBackend::new(MemoryConfig::new().with_user_id(ns.kind()));
    let model = Streams::from_backend(Arc::new(model)).with_use_utc(true);
    let mut pair =
        Pair { backend: ns.streams().clone(), model, users: ns.users(USERS), items: Vec::new() };
    for (at, step) in plan.iter().enumerate() {
        pair.step(step).await.map_err(|difference| format!("step {at}: {difference}"))?;
    }
    for user in 0..USERS {
        pair.slice(user, 0, usize::MAX).await?;
    }
    Ok(())
}

impl Pair {
    async fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Add { users, at, content } => {
                // Few timestamps for many items.
                let created_at =
                    Utc::now().date_naive().and_hms_opt(0, 0, 0).unwrap_or_default().and_utc();
                let item = NewItem::new(content.as_str())
                    .with_id(ItemId::generate())
                    .with_created_at(&(created_at + TimeDelta::microseconds(*at)));
                self.items.push(item);
                self.add(users, self.items.len() - 1).await
            }
            // Before the first add there is nothing to name.
            Step::Retry { .. } | Step::Page { .. } if self.items.is_empty() => Ok(()),
            Step::Retry { users, item } => self.add(users, item % self.items.len()).await,
            Step::Page { user, item, limit, older } => {
                let place = self.items[item % self.items.len()].cursor();
                self.page(*user, place, *limit, *older).await
            }
            Step::Slice { user, start, len } => self.slice(*user, *start, *len).await,
            Step::Walk { user, limit } => self.walk(*user, *limit).await,
            Step::Delete { user } => self.delete(*user).await,
        }
    }

    async fn add(&self, users: &[usize], item: usize) -> Result<(), String> {
        let (users, item) =
            (users.iter().map(|at| self.users[*at].clone()).collect::<Vec<_>>(), &self.items[item]);
        let found =
            self.backend.add_stream_item(&users, item.clone()).await.map(|done| done.delivered);
        let expected =
            self.model.add_stream_item(&users, item.clone()).await.map(|done| done.delivered);
        same("delivered", found.map_err(text)?, expected.map_err(text)?)
    }

    async fn slice(&self, user: usize, start: usize, len: usize) -> Result<(), String> {
        let range = start..start.saturating_add(len);
        let (found, expected) = self.both(user).map(|items| items.slice(range.clone())).into();
        same("len", found.count().await.map_err(text)?, expected.count().await.map_err(text)?)?;
        same("slice", show(&found.await.map_err(text)?), show(&expected.await.map_err(text)?))
    }

    async fn page(&self, user: usize, at: Cursor, limit: usize, older: bool) -> Result<(), String> {
        let (found, expected) = self
            .both(user)
            .map(|items| {
                let page = items.cursor_page(limit);
                if older { page.after(at) } else { page.before(at) }
            })
            .into();
        let (found, expected) = (found.await.map_err(text)?, expected.await.map_err(text)?);
        same("page", show(&found.items), show(&expected.items))?;
        same("next and previous", (found.next, found.previous), (expected.next, expected.previous))
    }

    async fn walk(&self, user: usize, limit: usize) -> Result<(), String> {
        let [stream, model] = self.both(user);
        let expected = model.await.map_err(text)?;
        let (mut found, mut page) = (Vec::new(), stream.cursor_page(limit).await.map_err(text)?);
        while found.len() <= expected.len() {
            found.extend(page.items);
            let Some(next) = page.next else { break };
            page = stream.cursor_page(limit).after(next).await.map_err(text)?;
        }
        same("walk", show(&found), show(&expected))
    }

    async fn delete(&self, user: usize) -> Result<(), String> {
        if !self.backend.capabilities().has(Capability::DeleteStream) {
            return Ok(());
        }
        let user = &self.users[user];
        let (found, expected) =
            (self.backend.delete_stream(user).await, self.model.delete_stream(user).await);
        same("deleted", found.map_err(text)?, expected.map_err(text)?)
    }

    fn both(&self, user: usize) -> [user_streams_core::StreamItems; 2] {
        [&self.backend, &self.model].map(|streams| streams.get_stream_items(&self.users[user]))
    }
}

fn show(items: &[StreamItem]) -> Vec<(Cursor, &str)> {
    items.iter().map(|item| (item.cursor(), item.content.as_str())).collect()
}

pub(super) fn text(error: user_streams_core::Error) -> String {
    format!("{error:?}")
}

pub(super) fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    found: T,
    expected: T,
) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what} is {found:?}, not {expected:?}")) }
}

//! The optional operations, beside those of the reference backend.

use std::collections::BTreeSet;

use fastrand::Rng;
use user_streams_core::{
    Cursor, ItemId, Name, NewItem, UserId,
    backend::{
        Backend, BulkAdd, Contains, CountNewer, DeleteRange, ListUsers, MarkQuery,
        RemoveStreamItem, SetMark,
    },
};

use super::USERS;

/// Both backends, and the items that were added so far.
pub(super) struct Both<'a> {
    pub(super) memory: &'a dyn Backend,
    pub(super) redis: &'a dyn Backend,
    pub(super) items: &'a [NewItem],
    pub(super) context: &'a str,
}

/// Runs an operation on both, whose results must be equal.
macro_rules! both {
    ($self:ident.$operation:ident($args:expr)) => {{
        let args = $args;
        let expected = $self.memory.$operation(args.clone()).await.unwrap();
        let result = $self.redis.$operation(args.clone()).await.unwrap();
        assert_eq!(result, expected, "{}: {args:?}", $self.context);
    }};
}

impl Both<'_> {
    pub(super) async fn step(&self, random: &mut Rng) {
        let user = UserId::Int(random.i64(0..USERS));
        let name: Name = ["seen", "read"][random.usize(..2)].parse().unwrap();
        match random.u32(..7) {
            0 => {
                let users: Vec<_> = (0..random.usize(..5)).map(|_| random.i64(0..USERS)).collect();
                let item = self.place(random);
                let [expected, removed] = [self.memory, self.redis].map(|backend| {
                    backend.remove_stream_item(RemoveStreamItem::new(users.clone(), item))
                });
                let (expected, removed) = (expected.await.unwrap(), removed.await.unwrap());
                assert_eq!(removed, expected, "{}: {item:?} from {users:?}", self.context);
            }
            // Seldom, so that streams grow.
            1 if random.u32(..6) == 0 => {
                let mut range = DeleteRange::new(user);
                if random.u32(..8) > 0 {
                    range = range.newer_than(self.place(random));
                }
                if random.u32(..8) > 0 {
                    range = range.older_than(self.place(random));
                }
                both!(self.delete_range(range));
            }
            1 | 2 => {
                let query = CountNewer::new(user, self.place(random));
                let limit = *random.choice(&[0, 1, 3, u64::MAX]).unwrap();
                both!(self.count_newer(query.with_limit(limit)));
            }
            3 => {
                let pair =
                    |random: &mut Rng| (UserId::Int(random.i64(0..USERS)), self.place(random));
                let pairs = (0..random.usize(..300)).map(|_| pair(random)).collect();
                both!(self.contains(Contains::new(pairs)));
            }
            4 => {
                let row = |random: &mut Rng| {
                    (UserId::Int(random.i64(0..USERS)), random.choice(self.items).unwrap().clone())
                };
                let rows = (0..random.usize(..20)).map(|_| row(random)).collect();
                both!(self.bulk_add(BulkAdd::new(rows).unwrap()));
            }
            5 => {
                let args = match random.u32(..5) {
                    0 => SetMark::remove(user, name),
                    back => SetMark::new(user, name, self.place(random)).with_back(back == 1),
                };
                both!(self.set_mark(args));
            }
            _ => {
                both!(self.mark(MarkQuery::new(user.clone(), name.clone())));
                both!(self.count_newer(CountNewer::than_mark(user, name)));
            }
        }
    }

    /// Of an item that somebody has, perhaps, or near to it.
    fn place(&self, random: &mut Rng) -> Cursor {
        let recent = &self.items[self.items.len().saturating_sub(100)..];
        let item = random.choice(recent).unwrap().cursor();
        if random.bool() {
            return item;
        }
        Cursor::new(item.created_at(), ItemId::try_from(random.i64(1..300)).unwrap())
    }

    /// The lists of users are the same.
    pub(super) async fn compare_users(&self) {
        let mut lists = Vec::new();
        for backend in [self.memory, self.redis] {
            let (mut users, mut query) = (BTreeSet::new(), ListUsers::new(3));
            loop {
                let page = backend.list_users(query).await.unwrap();
                users.extend(page.users);
                match page.next {
                    Some(next) => query = ListUsers::new(3).after(next),
                    None => break,
                }
            }
            lists.push(users);
        }
        assert_eq!(lists[1], lists[0], "{}", self.context);
    }
}

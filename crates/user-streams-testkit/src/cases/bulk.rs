//! Many items to many users in one go, and the list of all users.

use std::collections::{BTreeMap, HashSet};

use user_streams_core::{
    ErrorKind, NewItem, UserId,
    backend::{BulkAdd, Capability, ListUsers},
};

use super::optional::assert_as_declared;
use crate::{
    Kinds, Namespace,
    case::cases,
    compare::{assert_items, newest_first},
    namespace::sample,
};

cases![
    bulk_add_works_if_declared for Kinds::Every,
    list_users_works_if_declared for Kinds::Every,
    each_row_of_a_bulk_add_comes_to_its_own_user for Kinds::Every; requires BulkAdd,
    a_bulk_add_counts_what_was_not_there; requires BulkAdd,
    a_bulk_add_keeps_contents_and_order; requires BulkAdd,
    a_long_bulk_add_is_stored_whole; requires BulkAdd,
    everyone_who_has_a_stream_is_listed for Kinds::Every; requires ListUsers DeleteStream,
    the_list_of_users_takes_no_place_that_is_none; requires ListUsers,
];

type Rows = Vec<(UserId, NewItem)>;

impl Namespace {
    async fn bulk_add(&self, rows: Rows) -> u64 {
        let args = BulkAdd::new(rows).expect("these items can be stored");
        self.backend().bulk_add(args).await.expect("rows can be added")
    }
}

async fn bulk_add_works_if_declared(ns: Namespace) {
    let args = BulkAdd::new(Vec::new()).expect("no item is wrong");
    assert_as_declared(&ns, Capability::BulkAdd, "bulk_add", ns.backend().bulk_add(args).await);
}

async fn list_users_works_if_declared(ns: Namespace) {
    let listed = ns.backend().list_users(ListUsers::new(1)).await;
    assert_as_declared(&ns, Capability::ListUsers, "list_users", listed);
}

async fn each_row_of_a_bulk_add_comes_to_its_own_user(ns: Namespace) {
    let (users, shared) = (ns.users(3), NewItem::new("to two"));
    let own = NewItem::new("to one");
    let rows = vec![
        (users[0].clone(), shared.clone()),
        (users[1].clone(), own.clone()),
        (users[1].clone(), shared.clone()),
    ];
    assert_eq!(ns.bulk_add(rows).await, 3, "each row is one delivery");
    assert_items(
        &ns.all(&users[0]).await,
        &newest_first(std::slice::from_ref(&shared)),
        "a row is its user's",
    );
    assert_items(&ns.all(&users[1]).await, &newest_first(&[shared, own]), "a row is its user's");
    assert_eq!(ns.len(&users[2]).await, 0, "nobody else receives an item");
}

async fn a_bulk_add_counts_what_was_not_there(ns: Namespace) {
    let (user, other) = (ns.user(), ns.user());
    let items: Vec<_> = (0..4).map(|n| NewItem::new(format!("item {n}"))).collect();
    ns.add(&user, items[0].clone()).await;
    let mut rows: Rows = items.iter().map(|item| (user.clone(), item.clone())).collect();
    rows.push((user.clone(), items[3].clone()));
    rows.push((other.clone(), items[0].clone()));
    assert_eq!(ns.bulk_add(rows.clone()).await, 4, "a row that is there already does not count");
    assert_eq!(ns.bulk_add(rows).await, 0, "a bulk add can be made again");
    assert_items(&ns.all(&user).await, &newest_first(&items), "nothing is there twice");
    assert_eq!(ns.len(&other).await, 1, "nothing is there twice");
}

async fn a_bulk_add_keeps_contents_and_order(ns: Namespace) {
    let user = ns.user();
    let contents =
        ["", "☃ \"quoted\" \\ and\ttabs\n", "'", "{\"json\": [1]}", "\\N", "\\.", "a\r\nb"];
    let items: Vec<_> = contents.map(NewItem::new).to_vec();
    let rows = items.iter().rev().map(|item| (user.clone(), item.clone())).collect();
    assert_eq!(ns.bulk_add(rows).await, contents.len() as u64, "each row is one delivery");
    assert_items(&ns.all(&user).await, &newest_first(&items), "contents come back as they were");
}

async fn a_long_bulk_add_is_stored_whole(ns: Namespace) {
    let users = ns.users(50);
    let mut of: BTreeMap<UserId, Vec<NewItem>> = BTreeMap::new();
    let mut rows: Rows = Vec::new();
    for n in 0..5_000 {
        let (user, item) = (&users[n % users.len()], NewItem::new(format!("item {n}")));
        of.entry(user.clone()).or_default().push(item.clone());
        rows.push((user.clone(), item));
    }
    assert_eq!(ns.bulk_add(rows).await, 5_000, "a bulk add of any length is stored whole");
    for user in sample(&users) {
        assert_items(&ns.all(user).await, &newest_first(&of[user]), "and nothing is mixed up");
    }
}

/// The list is of the whole store, which others use too.
async fn everyone_who_has_a_stream_is_listed(ns: Namespace) {
    let (users, deleted, never) = (ns.users(30), ns.user(), ns.user());
    ns.add(&users, "item").await;
    ns.add(&deleted, "item").await;
    ns.streams().delete_stream(&deleted).await.expect("a stream is deleted");
    let (mut listed, mut query, mut parts) = (HashSet::new(), ListUsers::new(7), 0);
    loop {
        let page = ns.backend().list_users(query).await.expect("users can be listed");
        listed.extend(page.users);
        parts += 1;
        // Others use the store as well, so that it may have very many users.
        let limit = if parts < 4 { 7 } else { 50_000 };
        match page.next {
            Some(next) => query = ListUsers::new(limit).after(next),
            None => break,
        }
    }
    let missing = users.iter().filter(|user| !listed.contains(user)).count();
    assert_eq!(missing, 0, "everyone who has a stream is listed");
    assert!(!listed.contains(&deleted), "whose stream was deleted is not listed");
    assert!(!listed.contains(&never), "who never had a stream is not listed");
}

async fn the_list_of_users_takes_no_place_that_is_none(ns: Namespace) {
    let place = user_streams_core::backend::UsersCursor::new("no place \u{1F6AB}");
    let error = ns.backend().list_users(ListUsers::new(1).after(place)).await;
    let error = error.expect_err("this is no place in the list");
    assert_eq!(error.kind(), ErrorKind::InvalidCursor, "this is no place in the list: {error}");
}

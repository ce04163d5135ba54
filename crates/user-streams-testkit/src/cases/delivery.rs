//! The two verbs.

use user_streams_core::{NewItem, backend::Position};

use crate::{
    Kinds, Namespace,
    case::cases,
    compare::{assert_contents, assert_items, stored},
};

cases![
    one_user_receives_an_item for Kinds::Every,
    many_users_receive_a_broadcast for Kinds::Every,
    a_broadcast_is_the_same_item_for_all for Kinds::Every,
    nobody_else_receives_it for Kinds::Every,
    identical_texts_are_two_items for Kinds::Every,
    a_user_without_items_has_an_empty_stream for Kinds::Every,
    an_item_is_there_when_its_add_has_ended,
    the_delivery_names_the_item,
    a_user_may_be_added_to_many_times,
];

async fn one_user_receives_an_item(ns: Namespace) {
    let user = ns.user();
    let item = NewItem::new("This is the contents of the stream item");
    assert_eq!(ns.add(&user, item.clone()).await, 1, "one user has received it");
    assert_items(&ns.all(&user).await, &[stored(&item)], "what was added is read");
    assert_eq!(ns.len(&user).await, 1, "the count is that of the items");
}

async fn many_users_receive_a_broadcast(ns: Namespace) {
    let users = ns.users(10);
    assert_eq!(ns.add(&users, "Broadcast to these").await, 10, "delivered is the number of users");
    for user in &users {
        assert_contents(
            &ns.all(user).await,
            &["Broadcast to these"],
            "every recipient has the item",
        );
        assert_eq!(ns.len(user).await, 1, "the count is that of the items");
    }
}

async fn a_broadcast_is_the_same_item_for_all(ns: Namespace) {
    let users = ns.users(3);
    let item = NewItem::new("the same");
    ns.add(&users, item.clone()).await;
    for user in &users {
        assert_items(
            &ns.all(user).await,
            &[stored(&item)],
            "id, time and content are the same for all",
        );
    }
}

async fn nobody_else_receives_it(ns: Namespace) {
    let (mine, others) = (ns.user(), ns.users(5));
    ns.add(&others, "for others").await;
    assert!(ns.all(&mine).await.is_empty(), "an item is in the streams of its recipients alone");
    assert_eq!(ns.len(&mine).await, 0, "a count is of one user's items alone");
    ns.add(&mine, "for me").await;
    assert_contents(&ns.all(&mine).await, &["for me"], "a stream has the items of its user alone");
    assert_eq!(ns.len(&mine).await, 1, "a count is of one user's items alone");
    assert_eq!(ns.len(&others[0]).await, 1, "a count is of one user's items alone");
}

async fn identical_texts_are_two_items(ns: Namespace) {
    let user = ns.user();
    for _ in 0..3 {
        assert_eq!(ns.add(&user, "the same text").await, 1, "the same text is another item");
    }
    assert_contents(
        &ns.all(&user).await,
        &["the same text"; 3],
        "the same text added again is another item",
    );
    assert_eq!(ns.len(&user).await, 3, "the same text added again counts");
}

async fn a_user_without_items_has_an_empty_stream(ns: Namespace) {
    let user = ns.user();
    let items = ns.streams().get_stream_items(&user);
    assert_eq!(items.count().await.expect("a count succeeds"), 0, "there is nothing to count");
    assert!(items.is_empty().await.expect("a count succeeds"), "the stream is empty");
    assert_eq!(
        items.get(0).await.expect("a read of one item succeeds"),
        None,
        "there is no newest item"
    );
    assert_items(
        &items.slice(2..9).await.expect("a read of a slice succeeds"),
        &[],
        "there is nothing to slice",
    );
    let page = items.cursor_page(10).await.expect("a page by cursor is read");
    assert!(
        page.items.is_empty() && page.next.is_none() && page.previous.is_none(),
        "the page is empty"
    );
    assert_items(
        &ns.read(&user, Position::Offset(0), u64::MAX).await,
        &[],
        "there is nothing to read",
    );
}

async fn an_item_is_there_when_its_add_has_ended(ns: Namespace) {
    let user = ns.user();
    for n in 1..=20 {
        let content = format!("item {n}");
        ns.add(&user, content.as_str()).await;
        let newest =
            ns.streams().get_stream_items(&user).get(0).await.expect("a read of one item succeeds");
        assert_eq!(
            newest.expect("what was added is read at once").content,
            content,
            "what was added is read at once"
        );
        assert_eq!(ns.len(&user).await, n, "what was added counts at once");
    }
}

async fn the_delivery_names_the_item(ns: Namespace) {
    let user = ns.user();
    let delivery = ns
        .streams()
        .add_stream_item(&user, "named")
        .await
        .expect("an add of valid arguments succeeds");
    let item = ns
        .streams()
        .get_stream_items(&user)
        .get(0)
        .await
        .expect("a read of one item succeeds")
        .expect("the item");
    assert_eq!(
        item.cursor(),
        delivery.item,
        "a delivery names the item's created_at and id as they are stored"
    );
}

async fn a_user_may_be_added_to_many_times(ns: Namespace) {
    let (user, expected) = ns.feed(500).await;
    assert_items(&ns.all(&user).await, &expected, "no item is lost, however many a stream has");
    assert_eq!(ns.len(&user).await, 500, "no item is lost from the count");
}

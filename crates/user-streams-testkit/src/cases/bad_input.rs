//! What is refused, and that nothing is stored then.

use futures_util::stream::{self, StreamExt};
use user_streams_core::{
    DEFAULT_MAX_CONTENT_LEN, Error, ErrorKind, MAX_TEXT_ID_LEN, Recipients, UserId, UserIdKind,
};
use uuid::Uuid;

use crate::{Kinds, Namespace, case::cases, namespace::sample};

cases![
    a_user_of_another_kind_is_refused_by_every_operation for Kinds::Every,
    a_list_with_a_user_of_another_kind_is_refused_whole for Kinds::Every,
    a_stream_with_a_user_of_another_kind_is_an_error for Kinds::Every,
    a_stream_with_a_user_of_another_kind_stores_nothing; requires AtomicBroadcast,
    a_text_id_with_nul_or_too_long_is_refused for Kinds::Only(UserIdKind::Text),
    content_with_nul_is_refused,
    content_that_is_too_long_is_refused,
];

/// Users of every kind but the backend's.
fn strangers(ns: &Namespace) -> Vec<UserId> {
    let all = [UserId::Int(7), UserId::Uuid(Uuid::max()), UserId::from("7")];
    all.into_iter().filter(|user| user.kind() != ns.kind()).collect()
}

#[track_caller]
fn assert_refused(ns: &Namespace, stranger: &UserId, error: &Error, operation: &str) {
    assert_eq!(
        error.kind(),
        ErrorKind::InvalidUserId,
        "{stranger} is refused by {operation}: {error}"
    );
    let (message, names) =
        (error.to_string(), [ns.kind().as_str(), stranger.kind().as_str(), operation]);
    assert!(
        names.iter().all(|name| message.contains(name)),
        "the error names both kinds and the operation: {message}"
    );
    assert!(!error.is_retryable(), "a retry is no help");
}

async fn a_user_of_another_kind_is_refused_by_every_operation(ns: Namespace) {
    for user in &strangers(&ns) {
        let items = ns.streams().get_stream_items(user);
        assert_refused(
            &ns,
            user,
            &ns.streams()
                .add_stream_item(user, "")
                .await
                .expect_err("a user of another kind is refused"),
            "add_stream_item",
        );
        assert_refused(
            &ns,
            user,
            &items.get(0).await.expect_err("a user of another kind is refused"),
            "get_stream_items",
        );
        assert_refused(
            &ns,
            user,
            &items.cursor_page(1).await.expect_err("a user of another kind is refused"),
            "get_stream_items",
        );
        assert_refused(
            &ns,
            user,
            &items.count().await.expect_err("a user of another kind is refused"),
            "count_stream_items",
        );
        assert_refused(
            &ns,
            user,
            &ns.streams().delete_stream(user).await.expect_err("a user of another kind is refused"),
            "delete_stream",
        );
    }
    let user = ns.user();
    assert_eq!(ns.add(&user, "").await, 1, "a user of the right kind is served");
    assert_eq!(ns.len(&user).await, 1, "a user of the right kind is served");
}

async fn a_list_with_a_user_of_another_kind_is_refused_whole(ns: Namespace) {
    let users = ns.users(3);
    for stranger in strangers(&ns) {
        let named: Vec<_> = users.iter().chain([&stranger]).cloned().collect();
        let error = ns
            .streams()
            .add_stream_item(named, "")
            .await
            .expect_err("a list with a user of another kind is refused");
        assert_refused(&ns, &stranger, &error, "add_stream_item");
    }
    assert_eq!(
        ns.served(&users).await,
        [false; 3],
        "a list with a wrong id is refused before anything is stored"
    );
}

/// Users, and one of another kind amid them.
fn infiltrated(users: &[UserId], stranger: &UserId) -> Recipients {
    let (some, others) = users.split_at(users.len() / 2);
    let (some, others) = (some.to_vec(), others.to_vec());
    Recipients::stream(
        stream::iter(some).chain(stream::iter([stranger.clone()])).chain(stream::iter(others)),
    )
}

async fn a_stream_with_a_user_of_another_kind_is_an_error(ns: Namespace) {
    for stranger in strangers(&ns) {
        for number in [2, 2_500] {
            let recipients = infiltrated(&ns.users(number), &stranger);
            let error = ns
                .streams()
                .add_stream_item(recipients, "")
                .await
                .expect_err("a stream with a user of another kind is an error");
            assert_refused(&ns, &stranger, &error, "add_stream_item");
        }
    }
}

async fn a_stream_with_a_user_of_another_kind_stores_nothing(ns: Namespace) {
    let users = ns.users(22_000);
    for stranger in strangers(&ns) {
        ns.streams()
            .add_stream_item(infiltrated(&users, &stranger), "")
            .await
            .expect_err("a stream with a user of another kind is an error");
        assert!(
            !ns.served(sample(&users)).await.contains(&true),
            "a broadcast with a wrong id stores nothing"
        );
    }
}

async fn a_text_id_with_nul_or_too_long_is_refused(ns: Namespace) {
    for bad in
        ["\0".to_owned(), "a\0b".to_owned(), "x".repeat(MAX_TEXT_ID_LEN + 1), "é".repeat(128)]
    {
        let items = ns.streams().get_stream_items(&bad);
        let in_a_stream = Recipients::iter([bad.clone()]);
        for (operation, error) in [
            ("an add", ns.streams().add_stream_item(&bad, "").await.err()),
            ("an add to a stream", ns.streams().add_stream_item(in_a_stream, "").await.err()),
            ("a count", items.count().await.err()),
        ] {
            let kind = error.as_ref().map(Error::kind);
            assert_eq!(
                kind,
                Some(ErrorKind::InvalidUserId),
                "an id with NUL or of more than 255 bytes is refused by {operation}: {error:?}"
            );
        }
    }
    let user = ns.user();
    assert_eq!(ns.add(&user, "").await, 1, "the backend is usable after that");
    assert_eq!(ns.len(&user).await, 1, "the backend is usable after that");
}

async fn content_with_nul_is_refused(ns: Namespace) {
    let user = ns.user();
    for bad in ["\0", "a\0", "a\0b"] {
        let error = ns
            .streams()
            .add_stream_item(&user, bad)
            .await
            .expect_err("content with NUL is refused");
        assert_eq!(error.kind(), ErrorKind::InvalidContent, "{bad:?} is refused: {error}");
    }
    assert_eq!(ns.len(&user).await, 0, "what is refused is not stored");
}

async fn content_that_is_too_long_is_refused(ns: Namespace) {
    let user = ns.user();
    let error = ns
        .streams()
        .add_stream_item(&user, "x".repeat(DEFAULT_MAX_CONTENT_LEN + 1))
        .await
        .expect_err("content of more than 1 MiB is refused");
    assert_eq!(error.kind(), ErrorKind::InvalidContent, "more than 1 MiB is refused: {error}");
    let streams = ns.streams().clone().with_max_content_len(3);
    let error =
        streams.add_stream_item(&user, "☃!").await.expect_err("content over the limit is refused");
    assert_eq!(error.kind(), ErrorKind::InvalidContent, "the limit is in bytes: {error}");
    assert_eq!(ns.len(&user).await, 0, "what is refused is not stored");
    assert_eq!(
        streams
            .add_stream_item(&user, "☃")
            .await
            .expect("an add of valid arguments succeeds")
            .delivered,
        1,
        "what fits is stored"
    );
    assert_eq!(ns.len(&user).await, 1, "what fits is stored");
}

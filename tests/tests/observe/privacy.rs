//! What is never shown: content at all, and a user's id by anything but one event at TRACE.

use futures_util::{FutureExt, stream};
use sea_orm::{Database, TransactionTrait};
use tracing::Level;
use user_streams_core::{Recipients, Streams, UserIdKind};
use user_streams_single_table::{SingleTableBackend, SingleTableConfig};

use crate::{
    capture::{self, Traced},
    stores::Store,
};

const CONTENT: &str = "c0ntent-of-an-1tem";
const USER: &str = "u5er-1d";
const FOLLOWER: &str = "f0ll0wer-1d";

/// Where a text is in what was traced.
fn places(text: &str) -> Vec<Traced> {
    let has = |traced: &Traced| {
        traced.name.contains(text) || traced.fields.values().any(|value| value.contains(text))
    };
    capture::all().into_iter().filter(has).collect()
}

fn is_ours(traced: &Traced) -> bool {
    traced.target.starts_with("user_streams")
}

pub(crate) async fn no_content_and_no_user_is_shown(store: Store) {
    let directory = tempfile::tempdir().unwrap();
    let streams = store.connect(UserIdKind::Text, &directory, "privacy").await;
    call_each_operation(&streams).await;
    streams.close().await.unwrap();
    check();
}

/// Whose statements are logged, by sqlx and by sea-orm, as they are unless it says otherwise.
pub(crate) async fn over_the_applications_pool() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/a.db?mode=rwc", directory.path().display());
    let database = Database::connect(url).await.unwrap();
    let config = SingleTableConfig::default().with_user_id(UserIdKind::Text);
    let streams = Streams::from_backend(SingleTableBackend::new(database.clone(), config).unwrap());
    streams.migrate().await.unwrap();
    call_each_operation(&streams).await;
    let transaction = database.begin().await.unwrap();
    let within = streams.in_transaction(&transaction).unwrap();
    within.add_stream_item(USER, CONTENT).await.unwrap();
    within.delete_stream(USER).await.unwrap();
    transaction.commit().await.unwrap();
    assert!(capture::all().iter().any(|traced| traced.target == "sqlx::query"));
    check();
}

async fn call_each_operation(streams: &Streams) {
    let followers = || (0..300).map(|n| format!("{FOLLOWER}-{n}"));
    for _ in 0..2 {
        streams.add_stream_item(USER, CONTENT).await.unwrap();
        streams.add_stream_item([USER, FOLLOWER], CONTENT).await.unwrap();
        streams.add_stream_item(Recipients::iter(followers()), CONTENT).await.unwrap();
    }
    let items = streams.get_stream_items(USER);
    assert_eq!(items.count().await.unwrap(), 4);
    assert_eq!(items.slice(..3).await.unwrap()[0].content, CONTENT);
    // Their errors name the user.
    streams.add_stream_item(format!("{USER}\0"), CONTENT).await.unwrap_err();
    streams.get_stream_items(format!("{USER}\0")).count().await.unwrap_err();
    let waiting = Recipients::stream(stream::pending::<String>());
    assert!(streams.add_stream_item(waiting, CONTENT).into_future().now_or_never().is_none());
    for user in [USER.to_owned(), FOLLOWER.to_owned()].into_iter().chain(followers()) {
        streams.delete_stream(user).await.unwrap();
    }
}

fn check() {
    // Not even by the drivers.
    let content = places(CONTENT);
    assert!(content.is_empty(), "{content:#?}");
    let users = [places(USER), places(FOLLOWER)].concat();
    let (ours, of_drivers): (Vec<_>, Vec<_>) = users.into_iter().partition(is_ours);
    assert!(of_drivers.is_empty(), "{of_drivers:#?}");
    assert!(!ours.is_empty(), "the events at TRACE");
    for traced in ours {
        assert!(!traced.is_span() && traced.level == Level::TRACE, "{traced:#?}");
        assert_eq!(traced.fields.keys().collect::<Vec<_>>(), [&"user_streams.user"]);
    }
}

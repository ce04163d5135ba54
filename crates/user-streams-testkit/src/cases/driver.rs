//! What a driver promises: the way from a URL and options to a backend.

use user_streams_core::{Error, ErrorKind, Settings, Streams, UserId, backend::Capability};

use crate::{case::cases, driver::DriverTest, namespace::random_user};

cases![of a driver:
    its_schemes_are_those_of_urls,
    a_url_of_its_scheme_connects,
    its_name_is_that_of_its_backend,
    an_unknown_option_is_refused_by_name,
    before_migrate_every_operation_says_to_migrate; requires Migrate,
];

impl DriverTest {
    async fn streams(&self, settings: &Settings) -> Streams {
        let connected = self.connect(settings).await;
        Streams::from_backend(connected.expect("a driver connects by a URL of its schemes"))
    }

    fn user(&self) -> UserId {
        random_user(self.kind())
    }
}

async fn its_schemes_are_those_of_urls(test: DriverTest) {
    let is_valid = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_lowercase())
            && scheme.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '+' | '-' | '.'))
    };
    let schemes = test.driver().schemes();
    assert!(!schemes.is_empty(), "a driver has a scheme");
    for scheme in schemes {
        assert!(is_valid(scheme), "a scheme is lowercase and made of a-z, 0-9, `+-.`: {scheme:?}");
    }
}

async fn a_url_of_its_scheme_connects(test: DriverTest) {
    let settings = test.new_store();
    let scheme = settings.backend().split(':').next().unwrap_or_default();
    let schemes = test.driver().schemes();
    assert!(schemes.contains(&scheme), "the URL has a scheme of the driver's: {scheme:?}");
    let backend = test.connect(&settings).await;
    let backend = backend.expect("a driver connects by a URL of its schemes");
    assert_eq!(
        backend.capabilities().user_id(),
        test.kind(),
        "the backend takes the kind of user ids that the settings ask for"
    );
    backend.close().await.expect("a connection can be closed");
}

async fn its_name_is_that_of_its_backend(test: DriverTest) {
    let streams = test.streams(&test.new_store()).await;
    assert_eq!(
        test.driver().name(),
        streams.capabilities().backend(),
        "a driver has the name of its backend: errors and variables of the environment show it"
    );
    streams.close().await.expect("a connection can be closed");
}

async fn an_unknown_option_is_refused_by_name(test: DriverTest) {
    let settings = test.new_store().with_option("no_such_option", "1");
    let promise = "an option that the backend does not know is refused when connecting";
    let Err(error) = test.connect(&settings).await else { panic!("{promise}") };
    assert_eq!(error.kind(), ErrorKind::InvalidSettings, "{promise}: {error}");
    assert!(error.to_string().contains("no_such_option"), "{promise}, by its name: {error}");
}

/// The errors of every operation, by the operations' names.
async fn errors(streams: &Streams, user: &UserId) -> Vec<(&'static str, Option<Error>)> {
    let items = streams.get_stream_items(user);
    let mut errors = vec![
        ("get_stream_items", items.clone().await.err()),
        ("count_stream_items", items.count().await.err()),
        ("add_stream_item", streams.add_stream_item(user, "early").await.err()),
    ];
    if streams.capabilities().has(Capability::DeleteStream) {
        errors.push(("delete_stream", streams.delete_stream(user).await.err()));
    }
    if streams.capabilities().has(Capability::Purge) {
        errors.push(("purge", streams.purge().await.err()));
    }
    errors
}

async fn before_migrate_every_operation_says_to_migrate(test: DriverTest) {
    let (settings, user) = (test.new_store(), test.user());
    let streams = test.streams(&settings).await;
    let before = errors(&streams, &user).await;
    // A store that needs nothing to be created works at once, in all.
    let is_ready = before.iter().all(|(_, error)| error.is_none());
    for (operation, error) in &before {
        assert!(
            is_ready || error.as_ref().is_some_and(|error| error.kind() == ErrorKind::NotMigrated),
            "before migrate, {operation} answers NotMigrated, as the others do: {error:?}"
        );
    }
    streams.migrate().await.expect("migrate creates what the store needs");
    for (operation, error) in errors(&streams, &user).await {
        assert!(error.is_none(), "after migrate, {operation} works: {error:?}");
    }
    streams.close().await.expect("a connection can be closed");
    if !streams.capabilities().has(Capability::Durable) {
        return;
    }
    drop(streams);

    let settings = test.new_store();
    test.streams(&settings).await.close().await.expect("a connection can be closed");
    let streams = test.streams(&settings).await;
    let is_ready_now = errors(&streams, &user).await.iter().all(|(_, error)| error.is_none());
    assert_eq!(is_ready_now, is_ready, "connecting creates nothing: only migrate does");
    streams.close().await.expect("a connection can be closed");
}

//! Which backends a program finds, and what it is told where there is none.
//!
//! `cargo test -p user-streams-tests --test registry`. The program that links no backend is
//! `fixtures/not-linked`.

use std::{collections::BTreeSet, sync::Arc};

use user_streams_core::{
    Error, ErrorKind, MemoryBackend, Settings, Streams,
    backend::{BackendDriver, ConnectArgs, ConnectFuture, Registry},
};
// Names the crate, which names the backends.
use user_streams_tests as _;

fn connect(_: ConnectArgs) -> ConnectFuture {
    Box::pin(async { Ok(Arc::new(MemoryBackend::default()) as _) })
}

static FIRST: BackendDriver =
    BackendDriver::new("first", &["shared", "only-first"], connect).in_crate("crate-one", "1.2.3");
static SECOND: BackendDriver =
    BackendDriver::new("second", &["shared"], connect).in_crate("crate-two", "4.5.6");

async fn refusal(registry: &Registry, url: &str) -> Error {
    let error = registry.connect(&Settings::new(url)).await.expect_err("must be refused");
    assert_eq!(error.kind(), ErrorKind::UnknownScheme, "{error}");
    error
}

#[track_caller]
fn assert_says(error: &Error, parts: &[&str]) {
    let message = error.to_string();
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
}

#[test]
fn every_linked_backend_is_registered_once() {
    let registry = Registry::linked();
    let names: Vec<_> = registry.drivers().iter().map(|driver| driver.name()).collect();
    assert_eq!(names, ["many-to-many", "memory", "redis", "single-table"]);
    let schemes = registry.schemes();
    assert_eq!(
        schemes.iter().collect::<BTreeSet<_>>().len(),
        schemes.len(),
        "no scheme is claimed twice"
    );
}

#[tokio::test]
async fn a_linked_backend_is_connected_to_by_its_scheme() {
    let streams = Streams::connect(Settings::new("single-table+sqlite::memory:")).await.unwrap();
    assert_eq!(streams.capabilities().backend(), "single-table");
}

#[tokio::test]
async fn an_unknown_scheme_is_answered_with_the_available_ones_and_their_crates() {
    let error = refusal(&Registry::linked(), "cassandra://localhost").await;
    let version = env!("CARGO_PKG_VERSION");
    assert_says(
        &error,
        &[
            "`cassandra` is not registered; available: ",
            &format!("memory (user-streams-core {version})"),
            "single-table+sqlite",
            &format!("(user-streams-single-table {version})"),
            &format!("(user-streams-many-to-many {version})"),
            &format!("(user-streams-redis {version})"),
        ],
    );
}

#[tokio::test]
async fn a_scheme_that_no_driver_has_is_answered_without_a_guess() {
    let registry = Registry::empty().with(&user_streams_single_table::DRIVER).with(&FIRST);
    let error = refusal(&registry, "redb://localhost").await;
    assert_says(&error, &["`redb` is not registered; available: ", "first", "single-table+sqlite"]);
    assert!(!error.message().contains("redis"), "{error}");
}

#[tokio::test]
async fn a_database_without_a_backend_says_what_to_put_before_it() {
    for database in ["sqlite", "postgres", "postgresql", "mysql", "mariadb"] {
        let error = refusal(&Registry::linked(), &format!("{database}://localhost")).await;
        let advice =
            format!("put the backend before the database, such as `single-table+{database}:`");
        assert_says(&error, &[&advice]);
    }
}

#[tokio::test]
async fn a_scheme_that_two_drivers_claim_names_both_crates() {
    for registry in
        [Registry::empty().with(&FIRST).with(&SECOND), Registry::empty().with(&SECOND).with(&FIRST)]
    {
        let error = refusal(&registry, "shared://x").await;
        assert_says(&error, &["`shared` is claimed by both crate-one 1.2.3 and crate-two 4.5.6"]);
        registry.connect(&Settings::new("only-first://x")).await.expect("the other schemes work");
    }
}

#[tokio::test]
async fn a_driver_that_is_given_twice_is_one() {
    let registry = Registry::empty().with(&FIRST).with(&FIRST);
    registry.connect(&Settings::new("shared://x")).await.unwrap();
}

#[tokio::test]
async fn an_explicit_registry_has_its_drivers_alone() {
    let registry = Registry::empty().with(&FIRST);
    assert_eq!(registry.schemes(), ["only-first", "shared"]);
    Streams::connect_with(&registry, Settings::new("shared://x")).await.unwrap();
    refusal(&registry, "memory://").await;
}

#[tokio::test]
async fn an_empty_registry_says_to_pass_a_driver() {
    let error = refusal(&Registry::empty(), "redis://localhost").await;
    assert_says(
        &error,
        &["constructors did not run on this target", "`Registry::empty().with(&DRIVER)`"],
    );
}

#[tokio::test]
async fn an_option_that_a_backend_does_not_know_is_refused_by_name() {
    for url in [
        "memory://",
        "single-table+sqlite::memory:",
        "many-to-many+sqlite::memory:",
        "redis://localhost",
    ] {
        let settings = Settings::new(url).with_option("usr_id", "uuid");
        let error = Registry::linked().connect(&settings).await.expect_err("must be refused");
        assert_eq!(error.kind(), ErrorKind::InvalidSettings, "{url}: {error}");
        assert_says(&error, &["usr_id"]);
    }
}

#[test]
fn a_backend_that_an_application_makes_itself_has_the_options_of_the_settings() {
    use user_streams_redis::RedisConfig;
    use user_streams_single_table::SingleTableConfig;

    let settings = Settings::from_vars([
        ("USER_STREAMS_BACKEND", "memory://"),
        ("USER_STREAMS_SINGLE_TABLE_TABLE", "feeds"),
        ("USER_STREAMS_SINGLE_TABLE_OPERATION_TIMEOUT", "2.5"),
        ("USER_STREAMS_REDIS_OPERATION_TIMEOUT", "0.5"),
    ])
    .unwrap();
    let options = user_streams_single_table::DRIVER.options(&settings).unwrap();
    let config: SingleTableConfig = options.parse().unwrap();
    assert_eq!(config.table.as_deref(), Some("feeds"));
    assert_eq!(config.operation_timeout.as_millis(), 2_500);
    let options = user_streams_redis::DRIVER.options(&settings).unwrap();
    let config: RedisConfig = options.parse().unwrap();
    assert_eq!(config.operation_timeout.as_millis(), 500);
}

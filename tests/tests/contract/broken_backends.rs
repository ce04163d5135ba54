//! The suite catches it: for each fault, a backend that has it fails the cases that are there for
//! it, and each case of the suite is there for some fault.

use std::{
    collections::BTreeSet,
    panic,
    sync::{Arc, Mutex, Once, Weak},
    thread,
    time::Duration,
};

use futures_util::{StreamExt, future::join_all, stream};
use tokio::runtime::{Builder, Runtime};
use user_streams_core::{MemoryBackend, UserIdKind};
use user_streams_testkit::{Case, Connections, Kinds, Outcome, Suite};

use crate::broken::{Broken, FAULTS, Fault, HONEST, HONEST_DRIVER, Store, Twist, suite_of};

const THREAD: &str = "broken-backend";
/// Any case that one user is enough for.
const ANY: &str = "delivery::one_user_receives_an_item";
/// How long a broken backend is waited for, which never answers.
const RECOVERY: Duration = Duration::from_secs(1);
const KINDS: [UserIdKind; 3] = [UserIdKind::BigInt, UserIdKind::Uuid, UserIdKind::Text];

/// Cases fail by a panic; here they are meant to, and would flood the output.
fn runtime() -> Runtime {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let default = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if thread::current().name() != Some(THREAD) {
                default(info);
            }
        }));
    });
    Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name(THREAD)
        .enable_all()
        .build()
        .expect("a runtime")
}

const HONEST_BACKEND: Fault = Fault { name: "none", broken: Broken::Store(HONEST), caught_by: &[] };

fn case(name: &str) -> &'static Case {
    Case::all().find(|case| case.name == name).unwrap_or_else(|| panic!("there is no case {name}"))
}

/// The kind of ids that the case is for, or the first one.
fn kind(case: &Case) -> UserIdKind {
    match case.kinds {
        Kinds::Only(kind) => kind,
        Kinds::First | Kinds::Every => UserIdKind::BigInt,
    }
}

#[test]
fn a_backend_without_a_fault_passes_every_case() {
    assert_passes(&HONEST_BACKEND.suite(), Case::all().filter(|case| !case.needs_driver()));
}

#[test]
fn a_driver_without_a_fault_passes_every_case() {
    let driver = Fault { name: "none", broken: Broken::Driver(&HONEST_DRIVER), caught_by: &[] };
    assert_passes(&driver.suite(), Case::all());
}

/// As a cluster does, for which each reader takes one of the copies.
#[test]
fn a_backend_that_keeps_copies_of_what_everyone_reads_passes() {
    let twist = Twist { capabilities: |all, _| all.with_copies(3), ..HONEST };
    let copies = Fault { broken: Broken::Store(twist), ..HONEST_BACKEND };
    const TOPICS: &[&str] = &["audience", "subtract", "moving", "algebra"];
    let is_of = |case: &&Case| TOPICS.iter().any(|topic| case.name.starts_with(topic));
    assert_passes(&copies.suite(), Case::all().filter(is_of));
}

fn assert_passes(suite: &Suite, cases: impl Iterator<Item = &'static Case>) {
    let pairs = cases.flat_map(|case| KINDS.map(|kind| (case, kind)));
    let pairs = pairs.filter(|(case, kind)| case.runs_with(*kind, UserIdKind::BigInt));
    let checks = pairs.map(async |(case, kind)| (case.name, kind, suite.check(case, kind).await));
    let mut failed: Vec<_> = runtime().block_on(stream::iter(checks).buffer_unordered(4).collect());
    failed.retain(|(.., outcome)| *outcome != Ok(Outcome::Passed));
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn every_fault_is_caught_by_the_cases_that_are_there_for_it() {
    let missed: Vec<String> = runtime().block_on(async {
        let checks = FAULTS.iter().copied().flatten().map(missed_by);
        stream::iter(checks).buffer_unordered(16).collect::<Vec<_>>().await.concat()
    });
    assert!(missed.is_empty(), "{missed:#?}");
}

/// The cases that ought to have caught the fault, and did not.
async fn missed_by(fault: &Fault) -> Vec<String> {
    let checks = fault.caught_by.iter().map(async |name| {
        let (case, suite) = (case(name), fault.suite().with_recovery_time(RECOVERY));
        let outcome = suite.check(case, kind(case)).await;
        (!names_a_promise(&outcome)).then(|| format!("{}: {name}: {outcome:?}", fault.name))
    });
    join_all(checks).await.into_iter().flatten().collect()
}

/// Whether a case has failed, and says what was promised, not just that something went wrong.
fn names_a_promise(outcome: &Result<Outcome, String>) -> bool {
    const NAMELESS: &[&str] =
        &["connecting failed", "migrating failed", "closing failed", "the case hangs", "called `"];
    outcome.as_ref().is_err_and(|message| !NAMELESS.iter().any(|text| message.starts_with(text)))
}

#[test]
fn every_case_is_there_for_a_fault() {
    let caught: BTreeSet<_> =
        FAULTS.iter().copied().flatten().flat_map(|fault| fault.caught_by).copied().collect();
    let idle: Vec<_> =
        Case::all().map(|case| case.name).filter(|name| !caught.contains(name)).collect();
    assert!(idle.is_empty(), "no fault shows that these cases can fail: {idle:#?}");
}

#[test]
fn no_two_faults_have_one_name() {
    let mut names = BTreeSet::new();
    for fault in FAULTS.iter().copied().flatten() {
        assert!(names.insert(fault.name), "{}", fault.name);
        assert!(!fault.caught_by.is_empty(), "{} must be caught by some case", fault.name);
    }
}

#[test]
fn a_backend_that_does_not_connect_fails_every_case() {
    let suite =
        Suite::new("unreachable", |_| async { Err::<MemoryBackend, _>("the server is down") });
    let message = runtime().block_on(suite.check(case(ANY), UserIdKind::BigInt)).unwrap_err();
    assert!(message.contains("the server is down"), "{message}");
}

#[test]
fn a_backend_for_another_kind_of_user_ids_fails_every_case() {
    let suite = suite_of(|_| Box::new(|| Arc::new(Store::new(UserIdKind::Text, HONEST))));
    let message = runtime().block_on(suite.check(case(ANY), UserIdKind::Uuid)).unwrap_err();
    assert!(
        message.contains("asked for uuid ids") && message.contains("for text ids"),
        "{message}"
    );
}

#[test]
fn a_suite_for_one_kind_of_user_ids_has_no_trial_of_another() {
    let suite = HONEST_BACKEND.suite().with_kinds([UserIdKind::Text]);
    let trials = suite.trials();
    assert!(trials.iter().all(|trial| trial.name().starts_with("broken::text::")));
    let cases = Case::all().filter(|case| !case.needs_driver());
    let expected = cases.filter(|case| case.runs_with(UserIdKind::Text, UserIdKind::Text)).count();
    assert_eq!(
        trials.len(),
        expected,
        "cases that need no kind in particular run with the only one"
    );
}

#[test]
fn a_store_that_can_be_opened_once_passes_if_the_suite_is_told() {
    let (store, opened) = (Store::new(UserIdKind::Uuid, HONEST), Mutex::new(Weak::new()));
    let suite = Suite::new("single", move |_| {
        let mut opened = opened.lock().expect("no panic");
        let connection = match opened.upgrade() {
            Some(_) => Err("the store is open already"),
            None => Ok(Arc::new(store.clone())),
        };
        *opened = connection.as_ref().map(Arc::downgrade).unwrap_or_default();
        async move { connection }
    });
    let suite = suite.with_kinds([UserIdKind::Uuid]).with_single_connection(true);
    runtime().block_on(async {
        let cases = Case::all().filter(|case| case.runs_with(UserIdKind::Uuid, UserIdKind::Uuid));
        for case in cases.filter(|case| case.name.starts_with("connections::")) {
            let expected = match case.connections {
                Connections::Several => Outcome::SingleConnection,
                _ => Outcome::Passed,
            };
            assert_eq!(suite.check(case, UserIdKind::Uuid).await, Ok(expected), "{}", case.name);
        }
    });
}

#[test]
fn a_store_with_a_smaller_content_limit_passes_if_the_suite_is_told() {
    let twist = Twist { content: |text| text.chars().take(1_000).collect(), ..HONEST };
    let fault = Fault { broken: Broken::Store(twist), ..HONEST_BACKEND };
    let check =
        |suite: Suite, name| runtime().block_on(suite.check(case(name), UserIdKind::BigInt));
    for name in
        ["content::the_longest_content_comes_back", "content::content_of_every_length_comes_back"]
    {
        check(fault.suite(), name).expect_err("content is cut off");
        assert_eq!(check(fault.suite().with_max_content_len(1_000), name), Ok(Outcome::Passed));
    }
}

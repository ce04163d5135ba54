//! What is traced and measured, as the chapter "Watching" says: on the backends without a server,
//! and on PostgreSQL, MySQL and Redis.
//!
//! `cargo test -p user-streams-tests --test observe`; what needs a server fails without the
//! variable of its URL, unless no selected cell needs that server.

mod capture;
mod connections;
mod document;
mod metrics;
mod privacy;
mod spans;
mod stores;

use std::{future::Future, process::ExitCode};

use user_streams_testkit::libtest_mimic::{Arguments, Trial, run};
// Names the crate, which names the backends.
use user_streams_tests as _;

fn main() -> ExitCode {
    capture::install();
    metrics::install();
    let mut trials = vec![
        trial("spans::an_operation_tells_how_many", spans::an_operation_tells_how_many),
        trial("spans::within_a_transaction", spans::within_a_transaction),
        trial("spans::an_error_is_told_by_its_kind", spans::an_error_is_told_by_its_kind),
        trial("spans::a_dropped_call_is_told", spans::a_dropped_call_is_told),
        trial("spans::a_user_is_told_at_trace", spans::a_user_is_told_at_trace),
        trial("metrics::calls_by_operation_and_error", metrics::calls_by_operation_and_error),
        trial("metrics::a_dropped_call_is_not_active", metrics::a_dropped_call_is_not_active),
        trial("privacy::over_the_applications_pool", privacy::over_the_applications_pool),
        trial("document::its_tables_are_complete", document::its_tables_are_complete),
    ];
    for store in stores::all() {
        let (name, is_skipped) = (store.name, store.is_unneeded());
        let private = store.clone();
        trials.extend([
            trial(&format!("{name}::no_content_and_no_user_is_shown"), move || {
                privacy::no_content_and_no_user_is_shown(private)
            })
            .with_ignored_flag(is_skipped),
            trial(&format!("{name}::after_dropped_calls_no_connection_is_in_use"), move || {
                connections::after_dropped_calls_no_connection_is_in_use(store)
            })
            .with_ignored_flag(is_skipped),
        ]);
    }
    // One after the other, so that what is captured belongs to the running test.
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    run(&arguments, trials).exit_code()
}

fn trial<F: Future<Output = ()>>(name: &str, test: impl FnOnce() -> F + Send + 'static) -> Trial {
    Trial::test(name, move || {
        let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
        capture::forget();
        metrics::forget();
        runtime.block_on(test());
        Ok(())
    })
}

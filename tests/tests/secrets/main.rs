//! No password is shown: not in an error or its causes, not in `Debug`, not in an event or span at
//! any level, not in a panic.
//!
//! `cargo test -p user-streams-tests --test secrets`; what needs a server fails without the
//! variable of its URL, unless no selected cell needs that server.

mod capture;
mod debug;
mod hosts;
mod login;
mod malformed;
mod options;
mod servers;
mod shown;
mod tls_files;

use std::{future::Future, process::ExitCode};

use user_streams_test_servers::cells;
use user_streams_testkit::libtest_mimic::{Arguments, Trial, run};
// Names the crate, which names the backends.
use user_streams_tests as _;

fn main() -> ExitCode {
    let logins = login::logins();
    let is_partial = logins.iter().any(|(_, kind, _)| cells::is_unneeded(*kind));
    capture::install();
    let mut trials = vec![
        trial(
            "capture::the_capture_sees_what_is_traced_and_panics",
            capture::the_capture_sees_what_is_traced_and_panics,
        ),
        trial("debug::no_configuration_shows_a_password", debug::no_configuration_shows_a_password),
        trial(
            "malformed::no_error_of_a_malformed_url_shows_it",
            malformed::no_error_of_a_malformed_url_shows_it,
        ),
        trial(
            "malformed::debug_of_settings_shows_no_password",
            malformed::debug_of_settings_shows_no_password,
        ),
        trial(
            "hosts::no_error_of_an_unreachable_server_shows_it",
            hosts::no_error_of_an_unreachable_server_shows_it,
        ),
        trial(
            "hosts::no_error_of_a_server_that_hangs_shows_it",
            hosts::no_error_of_a_server_that_hangs_shows_it,
        ),
        trial(
            "hosts::no_error_of_a_server_that_hangs_up_shows_it",
            hosts::no_error_of_a_server_that_hangs_up_shows_it,
        ),
        trial(
            "tls_files::no_error_of_a_file_of_tls_shows_its_text",
            tls_files::no_error_of_a_file_of_tls_shows_its_text,
        ),
        trial(
            "tls_files::no_error_of_a_key_in_place_of_its_path_shows_it",
            tls_files::no_error_of_a_key_in_place_of_its_path_shows_it,
        ),
        trial(
            "options::no_error_of_an_option_shows_its_value",
            options::no_error_of_an_option_shows_its_value,
        ),
        trial(
            "options::no_error_of_a_variable_shows_its_value",
            options::no_error_of_a_variable_shows_its_value,
        ),
    ];
    for (name, kind, login) in logins {
        let is_ignored = cells::is_unneeded(kind);
        let right = login.clone();
        let used = trial(&format!("{name}::a_used_login_is_not_shown"), move || {
            servers::a_used_login_is_not_shown(right.unwrap())
        });
        let refused = trial(&format!("{name}::a_refused_login_is_not_shown"), move || {
            servers::a_refused_login_is_not_shown(login.unwrap())
        });
        trials.extend([used, refused].map(|trial| trial.with_ignored_flag(is_ignored)));
    }
    // One after the other, so that what is captured belongs to the running test.
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let is_partial = is_partial || arguments.filter.is_some() || !arguments.skip.is_empty();
    let complete = trial(
        "debug::every_public_type_is_shown_or_plain",
        debug::every_public_type_is_shown_or_plain,
    );
    trials.push(complete.with_ignored_flag(is_partial));
    run(&arguments, trials).exit_code()
}

fn trial<F: Future<Output = ()>>(name: &str, test: impl FnOnce() -> F + Send + 'static) -> Trial {
    Trial::test(name, move || {
        let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
        capture::forget();
        runtime.block_on(test());
        shown::check("events, spans and panics", &capture::seen());
        Ok(())
    })
}

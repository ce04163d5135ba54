//! No password is shown: not in an error or its causes, not in `Debug`, not in an event or span at
//! any level.
//!
//! `cargo test -p user-streams-tests --test secrets`; what needs a server fails without the
//! variable of its URL, unless no selected cell needs that server.

mod capture;
mod malformed;
mod options;
mod servers;
mod shown;

use std::{future::Future, process::ExitCode};

use user_streams_test_servers::cells;
use user_streams_testkit::libtest_mimic::{Arguments, Trial, run};
// Names the crate, which names the backends.
use user_streams_tests as _;

fn main() -> ExitCode {
    let logins = servers::logins();
    capture::install();
    let mut trials = vec![
        trial(
            "malformed::no_error_of_a_malformed_url_shows_it",
            malformed::no_error_of_a_malformed_url_shows_it,
        ),
        trial(
            "malformed::debug_of_settings_shows_no_password",
            malformed::debug_of_settings_shows_no_password,
        ),
        trial(
            "malformed::no_error_of_an_unreachable_server_shows_it",
            malformed::no_error_of_an_unreachable_server_shows_it,
        ),
        trial(
            "options::no_error_of_an_option_shows_its_value",
            options::no_error_of_an_option_shows_its_value,
        ),
        trial(
            "options::no_error_of_a_variable_shows_its_value",
            options::no_error_of_a_variable_shows_its_value,
        ),
        trial("capture::the_capture_sees_what_is_traced", capture::the_capture_sees_what_is_traced),
    ];
    for (kind, login) in logins {
        let is_ignored = cells::is_unneeded(kind);
        let (right, name) = (login.clone(), kind.title());
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
    run(&arguments, trials).exit_code()
}

fn trial<F: Future<Output = ()>>(name: &str, test: impl FnOnce() -> F + Send + 'static) -> Trial {
    Trial::test(name, move || {
        let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
        capture::forget();
        runtime.block_on(test());
        shown::check("events and spans", &capture::seen());
        Ok(())
    })
}

//! Connecting up to the first connection: core's own registry, over drivers that parse the options
//! and the URL as the real ones do, and stop there.

use std::{
    future::ready,
    pin::pin,
    sync::{Arc, LazyLock},
    task::{Context, Poll, Waker},
};

use user_streams_core::{
    MemoryBackend, Result, Settings,
    backend::{BackendDriver, ConnectFuture, Registry},
};
use user_streams_sql::{fuzz, schemes};

use crate::outcome::{Outcome, SECRET};

/// As those of the backends' crates, whose layouts would be compiled for nothing.
static SINGLE_TABLE: BackendDriver =
    BackendDriver::new("single-table", schemes!("single-table"), |args| {
        finish(fuzz::parse(args, "single-table"))
    });
static MANY_TO_MANY: BackendDriver =
    BackendDriver::new("many-to-many", schemes!("many-to-many"), |args| {
        finish(fuzz::parse(args, "many-to-many"))
    });
static REDIS: BackendDriver = BackendDriver::new(
    user_streams_redis::DRIVER.name(),
    user_streams_redis::DRIVER.schemes(),
    |args| finish(user_streams_redis::fuzz::parse(&args)),
);

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let linked = Registry::linked();
    let memory = linked.drivers().iter().find(|driver| driver.name() == "memory");
    let registry = Registry::empty().with(&SINGLE_TABLE).with(&MANY_TO_MANY).with(&REDIS);
    memory.into_iter().fold(registry, |registry, driver| registry.with(driver))
});

fn finish(parsed: Result<String>) -> ConnectFuture {
    Box::pin(ready(parsed.map(|_| Arc::new(MemoryBackend::default()) as _)))
}

/// Every scheme.
pub(super) fn schemes() -> Vec<&'static str> {
    REGISTRY.schemes()
}

/// Checks what is shown of these settings, and connects. `may_show` says whether the password is in
/// the name of a setting, which is shown.
pub(super) fn connect(settings: &Settings, may_show: impl Fn() -> bool) -> Outcome {
    let shown = format!("{settings:?}");
    assert!(!shown.contains(SECRET) || !is_hidden(settings.backend()) || may_show(), "{shown}");
    let scheme = settings.backend().split_once(':').map(|(scheme, _)| scheme);
    match complete(REGISTRY.connect(settings)) {
        Ok(_) => Outcome::accepted(scheme),
        Err(error) => Outcome::refused(&error, || {
            scheme.is_some_and(|scheme| scheme.contains(SECRET)) || may_show()
        }),
    }
}

/// Whether the password in a URL is where a password may be: before an `@`, after a `?` or `#`, or
/// where no host is to be seen.
fn is_hidden(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once(':') else { return true };
    let places = rest.match_indices(SECRET);
    let is_hidden = |(at, _): (usize, &str)| {
        rest[at..].contains('@') || rest[..at].contains(['?', '#']) || !rest.starts_with("//")
    };
    !scheme.contains(SECRET) && places.into_iter().all(is_hidden)
}

/// The output of a future that waits for nothing.
pub(super) fn complete<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_hidden_where_it_may_be_one() {
        for url in ["redis://ann:s3cr3t@h", "redis:s3cr3t", "redis://h?a=s3cr3t", "s3cr3t"] {
            assert!(is_hidden(url), "{url}");
        }
        for url in ["redis://s3cr3t", "redis://ann@s3cr3t/", "s3cr3t://h", "redis://h/s3cr3t"] {
            assert!(!is_hidden(url), "{url}");
        }
    }
}

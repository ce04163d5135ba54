//! The conformance suite over a cell of the matrix.

use std::{path::Path, process, time::Duration};

use user_streams_core::{
    Settings, UserIdKind,
    backend::{BackendDriver, Registry},
};
use user_streams_test_servers::{self as servers, cells::Cell};
use user_streams_testkit::Suite;

/// The suite over this cell; SQLite files are created in `directory`.
pub fn suite(cell: Cell, directory: &Path) -> Suite {
    let directory = directory.to_owned();
    let suite =
        Suite::for_driver(driver(cell), move |kind, store| settings(cell, kind, store, &directory));
    // The model's cases take a minute on a cluster, and machines are of many kinds.
    suite.with_name(cell.name).with_time_limit(Duration::from_secs(300))
}

/// The driver of the cell's backend.
fn driver(cell: Cell) -> &'static BackendDriver {
    let registry = Registry::linked();
    let mut drivers = registry.drivers().iter().copied();
    let driver = drivers.find(|driver| cell.name.starts_with(driver.name()));
    driver.unwrap_or_else(|| panic!("{}: there is no such backend", cell.name))
}

/// The settings for user ids of this kind, with a table or key prefix that no other cell, store
/// or process uses.
fn settings(cell: Cell, kind: UserIdKind, store: &str, directory: &Path) -> Settings {
    // A table leaves room for the name of a feed, and of what is kept beside it.
    let cell_name = cell.name.replace("single-table", "s").replace("many-to-many", "m");
    let cell_name = cell_name.replace(['/', '-'], "_");
    let namespace = format!("us_{}_{cell_name}_{store}", process::id());
    let server = cell.server.map(servers::url).transpose();
    let server = server.unwrap_or_else(|error| panic!("{}: {error:#}", cell.name));
    // An SQL cell is called `<backend>/<database>`.
    let settings = match (cell.name.split_once('/'), server) {
        (Some((backend, _)), Some(url)) => {
            Settings::new(format!("{backend}+{url}")).with_option("table", namespace)
        }
        (Some((backend, _)), None) => {
            let file = directory.join(&namespace).with_extension("db");
            Settings::new(format!("{backend}+sqlite://{}?mode=rwc", file.display()))
                .with_option("table", namespace)
        }
        (None, Some(url)) => Settings::new(url).with_option("key_prefix", namespace),
        (None, None) => Settings::new(format!("{}://", cell.name)),
    };
    let settings = match cell.name {
        "redis-shared-content" => settings.with_option("shared_content_min_len", 0),
        // What is told is a part of each statement that adds.
        "single-table/postgres" => settings.with_live(true),
        _ => settings,
    };
    settings.with_option("user_id", kind.as_str())
}

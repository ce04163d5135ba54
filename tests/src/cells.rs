//! The conformance suite over a cell of the matrix.

use std::{path::Path, process};

use user_streams_core::{Error, ErrorKind, Result, Settings, UserIdKind, backend::Registry};
use user_streams_test_servers::{self as servers, cells::Cell};
use user_streams_testkit::Suite;

/// The suite over this cell; SQLite files are created in `directory`.
pub fn suite(cell: Cell, directory: &Path) -> Suite {
    let directory = directory.to_owned();
    Suite::new(cell.name, move |kind| {
        let settings = settings(cell, kind, &directory);
        async move { Registry::linked().connect(&settings?).await }
    })
}

/// The settings for user ids of this kind, with a table or key prefix that no other cell, kind or
/// process uses.
fn settings(cell: Cell, kind: UserIdKind, directory: &Path) -> Result<Settings> {
    let namespace = format!("us_{}_{}_{kind}", process::id(), cell.name.replace(['/', '-'], "_"));
    let server = cell.server.map(servers::url).transpose().map_err(|error| {
        Error::new(ErrorKind::InvalidSettings, format!("{}: {error:#}", cell.name))
    })?;
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
        _ => settings,
    };
    Ok(settings.with_option("user_id", kind.as_str()))
}

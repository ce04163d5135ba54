//! URLs of SQLite: `sqlite://` and the path of a file, or `sqlite::memory:`.

use std::sync::atomic::{AtomicU64, Ordering};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sqlx::sqlite::SqliteConnectOptions;
use user_streams_core::Result;

use super::{
    escapes::decode,
    invalid,
    parameters::{self, Foreign, Parameter, one_of, text},
};

/// The options of sqlx, and what kind of database it is.
#[derive(Debug)]
pub(crate) struct SqliteUrl {
    pub(crate) options: SqliteConnectOptions,
    pub(crate) is_in_memory: bool,
    pub(crate) is_read_only: bool,
}

#[derive(Debug, Default)]
pub(super) struct Read {
    mode: Option<Mode>,
    is_shared: Option<bool>,
    is_immutable: bool,
    vfs: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    ReadOnly,
    ReadWrite,
    Create,
    Memory,
}

const MODES: &[(&str, Mode)] = &[
    ("ro", Mode::ReadOnly),
    ("rw", Mode::ReadWrite),
    ("rwc", Mode::Create),
    ("memory", Mode::Memory),
];

pub(super) const PARAMETERS: &[Parameter<Read>] = &[
    Parameter {
        name: "mode",
        also: &[],
        values: "`ro`, `rw`, `rwc`, `memory`; `rw` by default",
        meaning: "only to read; to write as well; and to create the file if it is missing; or in \
            memory, where the \
                  path is a name by which handles of this process share it",
        read: |url, value| one_of(MODES, value).map(|mode| url.mode = Some(mode)),
    },
    Parameter {
        name: "cache",
        also: &[],
        values: "`shared`, `private`; `private` by default for files",
        meaning: "whether connections of this process share a cache",
        read: |url, value| {
            let shared = one_of(&[("shared", true), ("private", false)], value)?;
            url.is_shared = Some(shared);
            Ok(())
        },
    },
    Parameter {
        name: "immutable",
        also: &[],
        values: "`true`, `false`",
        meaning: "whether nobody writes to the file, so that it is read without locks, even where \
            its directory is \
                  read-only",
        read: |url, value| {
            let values = [("true", true), ("1", true), ("false", false), ("0", false)];
            url.is_immutable = one_of(&values, value)?;
            Ok(())
        },
    },
    Parameter {
        name: "vfs",
        also: &[],
        values: "a name",
        meaning: "the file system within SQLite",
        read: |url, value| text(value).map(|vfs| url.vfs = Some(vfs)),
    },
];

const FOREIGN: &[Foreign] = &[
    Foreign {
        names: &["journal_mode", "_journal_mode", "synchronous", "_synchronous", "busy_timeout"],
        advice: "the backend sets WAL, `synchronous` by its option, and waits up to \
            `operation_timeout`",
    },
    Foreign {
        names: &["max_connections", "connection_limit"],
        advice: "it is an option of the backend, `max_connections`",
    },
];

const FORMS: &str = "write `sqlite://feeds.db?mode=rwc` for a file of the working directory, \
                     `sqlite:///var/lib/feeds.db?mode=rwc` for another, or `sqlite::memory:`";

/// What SQLite itself calls a database in memory.
const MEMORY: &str = ":memory:";

/// The options of sqlx for a URL.
pub(crate) fn sqlite(url: &str) -> Result<SqliteUrl> {
    let text = url.trim();
    let text = text.strip_prefix("sqlite:").unwrap_or(text);
    let text = text.strip_prefix("//").unwrap_or(text);
    if text.contains('#') {
        return Err(invalid("malformed: a `#` of the path is written as `%23`"));
    }
    let (path, query) =
        text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)));
    let path = decode(path).ok_or_else(|| {
        invalid(
            "malformed: badly percent-encoded; a `%` of the path is written as `%25`, and a \
            `?` as `%3F`",
        )
    })?;
    let mut read = Read::default();
    parameters::read(query, PARAMETERS, FOREIGN, &mut read)?;
    if path == MEMORY || read.mode == Some(Mode::Memory) {
        in_memory(&path, read)
    } else {
        file(&path, read)
    }
}

fn in_memory(path: &str, read: Read) -> Result<SqliteUrl> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    if read.mode == Some(Mode::ReadOnly) || read.is_immutable {
        return Err(invalid("a database in memory that is read-only stays empty"));
    }
    let is_named = !matches!(path, "" | MEMORY) && read.is_shared != Some(false);
    // Connections share it by its name, which SQLite sees in a URL of its own alone.
    let name = match is_named {
        true => format!("file:{}", utf8_percent_encode(path, NON_ALPHANUMERIC)),
        false => format!("file:user-streams-in-memory-{}", NEXT.fetch_add(1, Ordering::Relaxed)),
    };
    let options = SqliteConnectOptions::new().filename(name).in_memory(true).shared_cache(true);
    Ok(SqliteUrl { options: with_vfs(options, read.vfs), is_in_memory: true, is_read_only: false })
}

fn file(path: &str, read: Read) -> Result<SqliteUrl> {
    if path.is_empty() {
        return Err(invalid(format!("it names no file: {FORMS}")));
    }
    // SQLite would read a URL of its own in it, with other parameters.
    if path.starts_with("file:") || path.starts_with(':') {
        return Err(invalid(format!("a path does not begin with `file:` or `:`: {FORMS}")));
    }
    let is_read_only = read.mode == Some(Mode::ReadOnly) || read.is_immutable;
    let options = SqliteConnectOptions::new()
        .filename(without_slash(path))
        .read_only(is_read_only)
        .create_if_missing(read.mode == Some(Mode::Create) && !is_read_only)
        .shared_cache(read.is_shared == Some(true))
        .immutable(read.is_immutable);
    Ok(SqliteUrl { options: with_vfs(options, read.vfs), is_in_memory: false, is_read_only })
}

fn with_vfs(options: SqliteConnectOptions, vfs: Option<String>) -> SqliteConnectOptions {
    match vfs {
        Some(vfs) => options.vfs(vfs),
        None => options,
    }
}

/// `sqlite:///C:/feeds.db` is `C:/feeds.db` on Windows.
fn without_slash(path: &str) -> &str {
    match path.strip_prefix('/') {
        Some(rest) if cfg!(windows) && rest.as_bytes().get(1) == Some(&b':') => rest,
        _ => path,
    }
}

#[cfg(test)]
#[path = "sqlite_tests.rs"]
mod tests;

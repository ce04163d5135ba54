//! URLs of SQLite: `sqlite://` and the path of a file, or `sqlite::memory:`.

pub(super) mod parameters;

use std::sync::atomic::{AtomicU64, Ordering};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sqlx::sqlite::SqliteConnectOptions;
use user_streams_core::Result;

use self::parameters::{Mode, PARAMETERS, QueryOptions, UNSUPPORTED};
use super::{decode::decode, invalid::invalid, parameters::read};

/// The options of sqlx, and the file.
#[derive(Debug)]
pub(crate) struct SqliteUrl {
    pub(crate) options: SqliteConnectOptions,
    /// `None` for a database in memory.
    pub(crate) file: Option<SqliteFile>,
}

/// A file, and how it is opened.
#[derive(Debug)]
pub(crate) struct SqliteFile {
    pub(crate) path: String,
    pub(crate) is_read_only: bool,
    pub(crate) is_immutable: bool,
    pub(crate) has_shared_cache: bool,
    pub(crate) vfs: Option<String>,
}

const FORMS: &str = "write `sqlite://feeds.db?mode=rwc` for a file of the working directory, \
                     `sqlite:///var/lib/feeds.db?mode=rwc` for another, or `sqlite::memory:`";

/// SQLite's own name of a database in memory.
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
    let mut query_options = QueryOptions::default();
    read(query, PARAMETERS, UNSUPPORTED, &mut query_options)?;
    if path == MEMORY || query_options.mode == Some(Mode::Memory) {
        in_memory(&path, query_options)
    } else {
        file(&path, query_options)
    }
}

fn in_memory(path: &str, query: QueryOptions) -> Result<SqliteUrl> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    if query.mode == Some(Mode::ReadOnly) || query.is_immutable {
        return Err(invalid("a read-only database in memory would stay empty"));
    }
    let is_named = !matches!(path, "" | MEMORY) && query.is_shared != Some(false);
    // Connections share it by its name, which SQLite accepts only in a URI of its own.
    let name = match is_named {
        true => format!("file:{}", utf8_percent_encode(path, NON_ALPHANUMERIC)),
        false => format!("file:user-streams-in-memory-{}", NEXT.fetch_add(1, Ordering::Relaxed)),
    };
    let options = SqliteConnectOptions::new().filename(name).in_memory(true).shared_cache(true);
    Ok(SqliteUrl { options: with_vfs(options, query.vfs), file: None })
}

fn file(path: &str, query: QueryOptions) -> Result<SqliteUrl> {
    if path.is_empty() {
        return Err(invalid(format!("it names no file: {FORMS}")));
    }
    // SQLite would read it as a URI of its own, with other parameters.
    if path.starts_with("file:") || path.starts_with(':') {
        return Err(invalid(format!("a path does not begin with `file:` or `:`: {FORMS}")));
    }
    let file = SqliteFile {
        path: without_slash(path).to_owned(),
        is_read_only: query.mode == Some(Mode::ReadOnly) || query.is_immutable,
        is_immutable: query.is_immutable,
        has_shared_cache: query.is_shared == Some(true),
        vfs: query.vfs,
    };
    let options = SqliteConnectOptions::new()
        .filename(&file.path)
        .read_only(file.is_read_only)
        .create_if_missing(query.mode == Some(Mode::Create) && !file.is_read_only)
        .shared_cache(file.has_shared_cache)
        .immutable(file.is_immutable);
    Ok(SqliteUrl { options: with_vfs(options, file.vfs.clone()), file: Some(file) })
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
mod tests;

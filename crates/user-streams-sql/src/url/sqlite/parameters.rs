//! The parameters of a SQLite URL.

use crate::url::parameters::{Parameter, Unsupported, one_of, text};

/// The parameters of a URL.
#[derive(Debug, Default)]
pub(in crate::url) struct QueryOptions {
    pub(super) mode: Option<Mode>,
    pub(super) is_shared: Option<bool>,
    pub(super) is_immutable: bool,
    pub(super) vfs: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
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

pub(in crate::url) const PARAMETERS: &[Parameter<QueryOptions>] = &[
    Parameter {
        name: "mode",
        aliases: &[],
        values: "`ro`, `rw`, `rwc`, `memory`; `rw` by default",
        meaning: "read-only; read and write; the same, creating a missing file; or in memory, \
            where handles of this process share a database by its path",
        read: |url, value| one_of(MODES, value).map(|mode| url.mode = Some(mode)),
    },
    Parameter {
        name: "cache",
        aliases: &[],
        values: "`shared`, `private`; `private` by default for files",
        meaning: "whether connections of this process share a page cache",
        read: |url, value| {
            let shared = one_of(&[("shared", true), ("private", false)], value)?;
            url.is_shared = Some(shared);
            Ok(())
        },
    },
    Parameter {
        name: "immutable",
        aliases: &[],
        values: "`true`, `false`",
        meaning: "whether the file never changes, so that it is read without locks, even if its \
            directory is read-only",
        read: |url, value| {
            let values = [("true", true), ("1", true), ("false", false), ("0", false)];
            url.is_immutable = one_of(&values, value)?;
            Ok(())
        },
    },
    Parameter {
        name: "vfs",
        aliases: &[],
        values: "a name",
        meaning: "the virtual file system of SQLite",
        read: |url, value| text(value).map(|vfs| url.vfs = Some(vfs)),
    },
];

pub(super) const UNSUPPORTED: &[Unsupported] = &[
    Unsupported {
        names: &["journal_mode", "_journal_mode", "synchronous", "_synchronous", "busy_timeout"],
        advice: "the backend sets WAL mode, `synchronous` by its option, and waits up to \
            `operation_timeout`",
    },
    Unsupported {
        names: &["max_connections", "connection_limit"],
        advice: "it is an option of the backend, `max_connections`",
    },
];

//! The cells of the test matrix, each a backend on a server. A new backend adds its lines here.

use std::env;

use anyhow::{Result, bail};

use crate::Kind;

/// The environment variable with the names of the cells to test, separated by commas.
pub const VARIABLE: &str = "USER_STREAMS_TEST_CELLS";

/// The variable of the file to which the conformance suite writes its table, a line a cell; without
/// it, the table goes to standard output.
pub const TABLE_VARIABLE: &str = "USER_STREAMS_TEST_TABLE";

/// A backend on a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The name, which is also the prefix of the cell's tests: `<name>::<test>`.
    pub name: &'static str,
    /// The server that it needs, if any.
    pub server: Option<Kind>,
}

/// Every cell, in the order of the reports.
pub const CELLS: &[Cell] = &[
    cell("memory", None),
    cell("single-table/sqlite", None),
    cell("single-table/postgres", Some(Kind::Postgres)),
    cell("single-table/mysql", Some(Kind::Mysql)),
    cell("many-to-many/sqlite", None),
    cell("many-to-many/postgres", Some(Kind::Postgres)),
    cell("many-to-many/mysql", Some(Kind::Mysql)),
    cell("redis", Some(Kind::Redis)),
    cell("redis-shared-content", Some(Kind::Redis)),
    cell("redis-cluster", Some(Kind::RedisCluster)),
];

const fn cell(name: &'static str, server: Option<Kind>) -> Cell {
    Cell { name, server }
}

/// The cells of these names, in the order of [`CELLS`].
pub fn named<S: AsRef<str>>(names: &[S]) -> Result<Vec<Cell>> {
    let known: Vec<_> = CELLS.iter().map(|cell| cell.name).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_ref())) {
        bail!("unknown cell `{}`; the cells are: {}", unknown.as_ref(), known.join(", "));
    }
    let is_named = |cell: &&Cell| names.iter().any(|name| name.as_ref() == cell.name);
    Ok(CELLS.iter().filter(is_named).copied().collect())
}

/// The cells that [`VARIABLE`] names; without it, every cell.
pub fn selected() -> Result<Vec<Cell>> {
    match env::var(VARIABLE) {
        Ok(names) => named(&names.split(',').collect::<Vec<_>>()),
        Err(_) => Ok(CELLS.to_vec()),
    }
}

/// Whether no selected cell needs this kind of server, so that tests on it are ignored. A variable
/// that is malformed skips nothing.
pub fn is_unneeded(kind: Kind) -> bool {
    selected().is_ok_and(|cells| !servers(&cells).contains(&kind))
}

/// The servers that these cells need, without duplicates.
pub fn servers(cells: &[Cell]) -> Vec<Kind> {
    let mut kinds: Vec<_> = cells.iter().filter_map(|cell| cell.server).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<_> = CELLS.iter().map(|cell| cell.name).collect();
        assert_eq!(names.len(), CELLS.len());
    }

    #[test]
    fn a_name_given_twice_is_one_cell() -> Result<()> {
        let cells = named(&["redis", "memory", "redis"])?;
        assert_eq!(cells.iter().map(|cell| cell.name).collect::<Vec<_>>(), ["memory", "redis"]);
        Ok(())
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = named(&["rediss"]).expect_err("unknown").to_string();
        assert!(
            error.contains("`rediss`") && error.contains("memory, single-table/sqlite"),
            "{error}"
        );
    }

    #[test]
    fn a_shared_server_is_listed_once() {
        assert_eq!(servers(CELLS), [Kind::Postgres, Kind::Mysql, Kind::Redis, Kind::RedisCluster]);
    }
}

//! The cells of the test matrix: a backend on a server. A new backend adds its lines here, and
//! nowhere else in xtask.

use anyhow::{Result, bail};
use user_streams_test_servers::Kind;

/// One cell of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    /// The name, which is also the prefix of the cell's trials: `<name>::<case>`.
    pub(crate) name: &'static str,
    /// The server that it needs, if any.
    pub(crate) server: Option<Kind>,
}

/// Every cell, in the order of the reports.
pub(crate) const CELLS: &[Cell] = &[
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

/// The cells of these names, in the order of [`CELLS`]; an unknown name is an error that lists the
/// known ones.
pub(crate) fn named(names: &[String]) -> Result<Vec<Cell>> {
    if let Some(unknown) = names.iter().find(|name| CELLS.iter().all(|cell| cell.name != *name)) {
        let known: Vec<_> = CELLS.iter().map(|cell| cell.name).collect();
        bail!("there is no cell `{unknown}`; the cells are: {}", known.join(", "));
    }
    Ok(CELLS.iter().copied().filter(|cell| names.iter().any(|name| name == cell.name)).collect())
}

/// The servers that these cells need, each once.
pub(crate) fn servers(cells: &[Cell]) -> Vec<Kind> {
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
        let cells = named(&["redis".into(), "memory".into(), "redis".into()])?;
        assert_eq!(cells.iter().map(|cell| cell.name).collect::<Vec<_>>(), ["memory", "redis"]);
        Ok(())
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = named(&["rediss".into()]).expect_err("unknown").to_string();
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

//! `cargo xtask matrix`: the cells for a CI service.

use anyhow::Result;
use serde_json::{Value, json};
use user_streams_test_servers::Kind;

use crate::{
    cells::{CELLS, Cell},
    flags::Matrix,
    summary::table,
};

/// Prints the cells, each with the Debian packages that it needs.
pub(crate) fn run(flags: &Matrix) -> Result<()> {
    if flags.json {
        println!("{}", CELLS.iter().map(entry).collect::<Value>());
    } else {
        let rows = CELLS.iter().map(|cell| vec![cell.name.to_owned(), packages(cell).to_owned()]);
        print!("{}", table(&["cell", "packages"], rows));
    }
    Ok(())
}

fn entry(cell: &Cell) -> Value {
    json!({ "cell": cell.name, "packages": packages(cell) })
}

fn packages(cell: &Cell) -> &'static str {
    cell.server.map_or("", Kind::debian_package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_names_the_cell_and_its_packages() -> Result<()> {
        let cells = crate::cells::named(&["memory".into(), "redis-cluster".into()])?;
        let entries: Value = cells.iter().map(entry).collect();
        let expected = json!([{ "cell": "memory", "packages": "" }, { "cell": "redis-cluster", "packages": "redis-server" }]);
        assert_eq!(entries, expected);
        Ok(())
    }
}

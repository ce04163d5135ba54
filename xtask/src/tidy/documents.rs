//! Rules on Markdown documents.

use std::collections::BTreeSet;

use super::{problem::Problem, sources::width};

/// The documents whose table lists the crates.
const LISTS: &[&str] = &["README.md", "docs/architecture.md"];
const SUMMARY: &str = "docs/SUMMARY.md";
/// Every crate is called so, or begins so.
const NAME: &str = "user-streams";
/// Pages that a program writes.
const GENERATED: &[&str] = &["docs/faults.md", "docs/benchmarks/"];

/// All problems of the documents, given as `(path, text)`. `members` are the `crates` and the
/// unpublished packages.
pub(super) fn check(
    documents: &[(String, String)],
    crates: &BTreeSet<&str>,
    members: &BTreeSet<&str>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let tested = documents
        .iter()
        .filter(|(file, _)| file.ends_with("README.md") || file.starts_with("docs/"));
    for (file, text) in tested {
        problems.extend(examples_are_tested(file, text));
        problems.extend(tables_name_members(file, text, members));
    }
    for (file, text) in documents {
        if !GENERATED.iter().any(|generated| file.starts_with(generated)) {
            problems.extend(width(file, &prose(text)));
        }
    }
    for list in LISTS {
        match documents.iter().find(|(file, _)| file == list) {
            Some((file, text)) => problems.extend(tables_name_crates(file, text, crates)),
            None => problems.push(Problem::new(list, "write it, with a table of the crates")),
        }
    }
    problems.extend(summary_lists_chapters(documents));
    problems
}

/// The text with its blocks of code emptied.
fn prose(text: &str) -> String {
    let mut is_code = false;
    let lines = text.lines().map(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        if is_code || is_fence { "" } else { line }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// No code block is ignored: an example that is not compiled drifts from the code.
fn examples_are_tested(file: &str, text: &str) -> Vec<Problem> {
    let is_ignored = |line: &str| {
        let info =
            line.trim_start().strip_prefix("```").or_else(|| line.trim_start().strip_prefix("~~~"));
        let words =
            info.unwrap_or_default().split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-');
        words.into_iter().any(|word| word == "ignore")
    };
    let lines = text.lines().enumerate().filter(|(_, line)| is_ignored(line));
    lines
        .map(|(number, _)| {
            Problem::new(
                file,
                format!(
                    "line {}: let the example compile (`no_run` if it must not run) instead of \
                     `ignore`",
                    number + 1
                ),
            )
        })
        .collect()
}

/// Every crate has a row.
fn tables_name_crates(file: &str, text: &str, crates: &BTreeSet<&str>) -> Vec<Problem> {
    let named: BTreeSet<_> = named_in_tables(text).map(|(_, name)| name).collect();
    let missing = crates.iter().filter(|name| !named.contains(*name));
    missing
        .map(|name| Problem::new(file, format!("add a row for {name} to the table of the crates")))
        .collect()
}

/// No row names a crate that does not exist.
fn tables_name_members(file: &str, text: &str, members: &BTreeSet<&str>) -> Vec<Problem> {
    let unknown = named_in_tables(text).filter(|(_, name)| !members.contains(name));
    unknown
        .map(|(line, name)| {
            Problem::new(file, format!("line {line}: the table names {name}, which does not exist"))
        })
        .collect()
}

/// The crate names in the rows of tables, with their lines.
fn named_in_tables(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let rows = text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with('|'));
    rows.flat_map(|(number, row)| {
        let words = row.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
        let names = words.filter(|word| {
            word.strip_prefix(NAME).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        });
        names.map(move |name| (number + 1, name))
    })
}

/// Every chapter is listed in the book's summary, and every listed chapter exists.
fn summary_lists_chapters(documents: &[(String, String)]) -> Vec<Problem> {
    let chapters: BTreeSet<_> = documents
        .iter()
        .filter_map(|(file, _)| file.strip_prefix("docs/"))
        .filter(|name| *name != "SUMMARY.md")
        .collect();
    let Some((_, summary)) = documents.iter().find(|(file, _)| file == SUMMARY) else {
        return (!chapters.is_empty())
            .then(|| Problem::new(SUMMARY, "write it: it lists the chapters"))
            .into_iter()
            .collect();
    };
    let links =
        summary.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
    let listed: BTreeSet<_> = links
        .map(|link| link.trim_start_matches("./").split('#').next().unwrap_or_default())
        .filter(|link| link.ends_with(".md"))
        .collect();
    let missing = chapters
        .difference(&listed)
        .map(|name| Problem::new(&format!("docs/{name}"), format!("list it in {SUMMARY}")));
    let gone = listed
        .difference(&chapters)
        .filter(|name| !name.starts_with("../"))
        .map(|name| Problem::new(SUMMARY, format!("it lists {name}, which does not exist")));
    missing.chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "| Crate | What |\n|---|---|\n| [`user-streams-core`](x) | the core |\n| \
        `user-streams-tests` | tests |\n";

    fn found(documents: &[(&str, &str)]) -> Vec<String> {
        let documents: Vec<_> =
            documents.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
        let crates = BTreeSet::from(["user-streams-core"]);
        let members = BTreeSet::from(["user-streams-core", "user-streams-tests"]);
        check(&documents, &crates, &members).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn complete_documents_are_fine() {
        let documents = [
            ("README.md", TABLE),
            ("docs/architecture.md", TABLE),
            (
                "docs/SUMMARY.md",
                "- [Architecture](./architecture.md#house)\n- [ADR](adr/0001.md)\n- \
                 [Changes](../CHANGELOG.md)\n",
            ),
            ("docs/adr/0001.md", "```rust\nfn main() {}\n```\n"),
            ("CHANGELOG.md", "```rust,ignore\n```\n| user-streams-gone |\n"),
        ];
        assert_eq!(found(&documents), Vec::<String>::new());
    }

    #[test]
    fn tables_match_the_workspace() {
        let documents = [
            ("README.md", "user-streams-core in the text is no row\n| `user-streams-gone` | x |\n"),
            ("docs/architecture.md", TABLE),
            ("docs/SUMMARY.md", "[a](architecture.md)"),
        ];
        let expected = [
            "README.md: line 2: the table names user-streams-gone, which does not exist",
            "README.md: add a row for user-streams-core to the table of the crates",
        ];
        assert_eq!(found(&documents), expected);
    }

    #[test]
    fn an_ignored_example_is_found_in_every_spelling() {
        for fence in [
            "```ignore",
            "```rust,ignore",
            "  ``` rust, ignore",
            "~~~ignore",
            "```rust ignore,no_run",
        ] {
            assert_eq!(
                examples_are_tested("README.md", &format!("text\n{fence}\n```\n")).len(),
                1,
                "{fence}"
            );
        }
        assert_eq!(
            examples_are_tested("README.md", "```gitignore\n```\nignore ```ignore```\n"),
            []
        );
    }

    #[test]
    fn every_chapter_is_in_the_summary_and_back() {
        let documents = [
            ("README.md", TABLE),
            ("docs/architecture.md", TABLE),
            ("docs/guide.md", ""),
            ("docs/SUMMARY.md", "[a](architecture.md) [b](gone.md)"),
        ];
        let expected = [
            "docs/guide.md: list it in docs/SUMMARY.md",
            "docs/SUMMARY.md: it lists gone.md, which does not exist",
        ];
        assert_eq!(found(&documents), expected);
    }

    #[test]
    fn only_prose_is_broken_into_lines() {
        let words = "word ".repeat(30);
        assert_eq!(prose(&format!("a\n```\n{words}\n```\nb")), "a\n\n\n\nb");
        let documents = [("docs/SUMMARY.md", words.as_str()), ("docs/faults.md", words.as_str())];
        let found = found(&documents).into_iter().filter(|problem| problem.contains("columns"));
        assert_eq!(found.count(), 1);
    }

    #[test]
    fn missing_documents_are_problems() {
        let expected = [
            "README.md: write it, with a table of the crates",
            "docs/architecture.md: write it, with a table of the crates",
        ];
        assert_eq!(found(&[]), expected);
    }
}

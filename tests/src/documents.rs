//! The documents: each block of Rust in them is a doctest of this package, and what the book
//! includes is there.

/// Makes a module of each document, for rustdoc to find its examples in.
macro_rules! documents {
    ($($module:ident: $path:literal,)+) => {
        $(
            #[cfg(doctest)]
            #[doc = include_str!(concat!("../../", $path))]
            mod $module {}
        )+

        #[cfg(test)]
        const TESTED: &[&str] = &[$($path),+];
    };
}

documents! {
    readme: "README.md",
    changelog: "CHANGELOG.md",
    contributing: "CONTRIBUTING.md",
    upgrading: "UPGRADING.md",
    guide: "docs/guide.md",
    toy_backend: "docs/a-toy-backend.md",
    choosing_a_backend: "docs/choosing-a-backend.md",
    operating: "docs/operating.md",
    benchmarks: "docs/benchmarks.md",
    architecture: "docs/architecture.md",
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::{Path, PathBuf},
    };

    use super::TESTED;

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    /// Every document at the root and of the book, by its path.
    fn documents() -> Vec<String> {
        let mut found = Vec::new();
        for directory in ["", "docs", "docs/adr"] {
            for entry in fs::read_dir(root().join(directory)).expect(directory) {
                let path = Path::new(directory).join(entry.expect(directory).file_name());
                if path.extension().is_some_and(|extension| extension == "md") {
                    found.push(path.to_str().expect("a name in UTF-8").to_owned());
                }
            }
        }
        found
    }

    /// The blocks of Rust, each as its lines.
    fn blocks(text: &str) -> Vec<Vec<&str>> {
        let mut lines = text.lines();
        let mut blocks = Vec::new();
        while let Some(line) = lines.next() {
            if let Some(info) = line.trim_start().strip_prefix("```") {
                let block = lines
                    .by_ref()
                    .take_while(|line| !line.trim_start().starts_with("```"))
                    .collect();
                // No language is Rust to rustdoc.
                if info.is_empty() || info.starts_with("rust") || info.starts_with("no_run") {
                    blocks.push(block);
                }
            }
        }
        blocks
    }

    /// The file and the anchor of a line that includes.
    fn included(line: &str) -> Option<(&str, Option<&str>)> {
        let target = line.trim().strip_prefix("{{#include ")?.strip_suffix("}}")?.trim();
        Some(target.split_once(':').map_or((target, None), |(file, anchor)| (file, Some(anchor))))
    }

    #[test]
    fn every_block_of_rust_is_tested_or_included() {
        for document in documents().iter().filter(|document| !TESTED.contains(&document.as_str())) {
            let text = fs::read_to_string(root().join(document)).expect(document);
            for block in blocks(&text) {
                let is_included = matches!(block[..], [line] if included(line).is_some());
                assert!(
                    is_included,
                    "{document}: list it in tests/src/documents.rs, or include this:\n{block:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_included_is_there() {
        let mut number = 0;
        for document in documents() {
            let path = root().join(&document);
            let text = fs::read_to_string(&path).expect(&document);
            for (file, anchor) in text.lines().filter_map(included) {
                let file = path.parent().expect("a directory").join(file);
                let included = fs::read_to_string(&file)
                    .unwrap_or_else(|error| panic!("{document}: {}: {error}", file.display()));
                for mark in anchor
                    .iter()
                    .flat_map(|name| [format!("ANCHOR: {name}"), format!("ANCHOR_END: {name}")])
                {
                    assert!(
                        included.lines().any(|line| line.ends_with(&mark)),
                        "{document}: no {mark}"
                    );
                }
                number += 1;
            }
        }
        assert!(number > 0, "docs/writing-a-backend.md includes its backend");
    }

    #[test]
    fn links_between_documents_lead_somewhere() {
        for document in documents() {
            let path = root().join(&document);
            let text = fs::read_to_string(&path).expect(&document);
            for link in text
                .split("](")
                .skip(1)
                .filter_map(|rest| rest.split_once(')'))
                .map(|(link, _)| link)
            {
                let file = link.split('#').next().unwrap_or_default();
                if file.is_empty() || file.contains("://") {
                    continue;
                }
                let target = path.parent().expect("a directory").join(file);
                assert!(target.exists(), "{document}: the link {link} leads nowhere");
            }
        }
    }
}

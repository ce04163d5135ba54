//! The documents: each block of Rust in them is a doctest of this package, or compared with the
//! code that it shows.

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
    feeds: "docs/feeds.md",
    audiences: "docs/audiences.md",
    live: "docs/live.md",
    unread_marks: "docs/unread-marks.md",
    removal: "docs/removal.md",
    moving: "docs/moving.md",
    from_django: "docs/from-django.md",
    web: "docs/web.md",
    toy_backend: "docs/a-toy-backend.md",
    choosing_a_backend: "docs/choosing-a-backend.md",
    operating: "docs/operating.md",
    command: "docs/command.md",
    watching: "docs/watching.md",
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

    /// Before a block that is compared with what it shows, by a test of that crate.
    const COMPARED: &str = "<!-- the code of ";

    /// The blocks of Rust that are not compared, each as its lines.
    fn blocks(text: &str) -> Vec<Vec<&str>> {
        let mut lines = text.lines();
        let mut blocks = Vec::new();
        let mut is_compared = false;
        while let Some(line) = lines.next() {
            if !line.is_empty() && !line.starts_with("```") {
                is_compared = line.starts_with(COMPARED);
            }
            if let Some(info) = line.trim_start().strip_prefix("```") {
                let block = lines
                    .by_ref()
                    .take_while(|line| !line.trim_start().starts_with("```"))
                    .collect();
                // No language is Rust to rustdoc.
                let is_rust =
                    info.is_empty() || info.starts_with("rust") || info.starts_with("no_run");
                if is_rust && !is_compared {
                    blocks.push(block);
                }
            }
        }
        blocks
    }

    #[test]
    fn every_block_of_rust_is_tested_or_compared() {
        for document in documents().iter().filter(|document| !TESTED.contains(&document.as_str())) {
            let text = fs::read_to_string(root().join(document)).expect(document);
            let blocks = blocks(&text);
            assert!(
                blocks.is_empty(),
                "{document}: list it in tests/src/documents.rs, or compare these with what they \
                 show: {blocks:?}"
            );
        }
    }

    /// Before a block that is the whole of a file: its path from the root.
    const SHOWN: &str = "<!-- the code of tests/tests/";

    #[test]
    fn code_that_is_shown_is_that_of_its_file() {
        for document in documents() {
            let text = fs::read_to_string(root().join(&document)).expect(&document);
            for part in text.split(SHOWN).skip(1) {
                let (file, rest) = part.split_once(" -->\n\n```rust\n").expect("a block");
                let shown = rest.split_once("```\n").expect("the end of the block").0;
                let code = fs::read_to_string(root().join("tests/tests").join(file)).expect(file);
                assert!(shown == code, "{document}: the code is not that of {file}:\n{code}");
            }
        }
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

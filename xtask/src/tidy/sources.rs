//! Rules on Rust sources.

use super::problem::Problem;

/// A file that is longer than this has more than one subject.
const MAX_LINES: usize = 500;
pub(super) const MAX_COLUMNS: usize = 100;
const README: &str = r#"#![doc = include_str!("../README.md")]"#;

/// No file is too long.
pub(super) fn length(file: &str, text: &str) -> Option<Problem> {
    let lines = text.lines().count();
    (lines > MAX_LINES)
        .then(|| Problem::new(file, format!("split it: it has {lines} lines, over {MAX_LINES}")))
}

/// No line is too long, comments included. A row of a table cannot be broken, nor can a line
/// without spaces, such as a URL.
pub(super) fn width(file: &str, text: &str) -> Vec<Problem> {
    let is_too_long = |line: &str| {
        let content = line.trim_start().trim_start_matches(['/', '!']).trim_start();
        line.chars().count() > MAX_COLUMNS
            && !content.starts_with('|')
            && content.split_whitespace().nth(1).is_some()
    };
    let lines = text.lines().enumerate().filter(|(_, line)| is_too_long(line));
    let advice =
        |number| format!("line {}: break it: it is over {MAX_COLUMNS} columns", number + 1);
    lines.map(|(number, _)| Problem::new(file, advice(number))).collect()
}

/// The README is the crate's documentation, so its examples are tested.
pub(super) fn lib_shows_readme(file: &str, text: &str) -> Option<Problem> {
    (!text.lines().any(|line| line.trim() == README))
        .then(|| Problem::new(file, format!("add `{README}`")))
}

/// `lib.rs` declares modules and re-exports, and holds nothing else.
///
/// In formatted sources an item begins in the first column, and what belongs to it is indented.
pub(super) fn lib_holds_no_items(file: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let lines: Vec<_> = text.lines().collect();
    for (number, &line) in lines.iter().enumerate() {
        if line.is_empty()
            || line.starts_with([' ', '\t', '/', '#', '}', ')', ']'])
            || is_declaration(line)
        {
            continue;
        }
        if line.ends_with('{')
            && line.contains("mod ")
            && holds_only_declarations(&lines[number + 1..])
        {
            continue;
        }
        let item = line.trim_end_matches(['{', ' ', ';']);
        problems.push(Problem::new(
            file,
            format!("line {}: move `{item}` to a module of its own", number + 1),
        ));
    }
    problems
}

/// Whether the inline module that begins before these lines re-exports, as a macro's private module
/// does, and no more.
fn holds_only_declarations(lines: &[&str]) -> bool {
    let body = lines.iter().take_while(|line| !line.starts_with('}')).map(|line| line.trim());
    let code: Vec<_> =
        body.filter(|line| !line.starts_with("//") && !line.starts_with('#')).collect();
    code.join(" ").split_inclusive(';').map(str::trim).all(is_declaration)
}

fn is_declaration(line: &str) -> bool {
    let item = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(')').map_or(rest, |(_, rest)| rest),
        Some(rest) => rest,
        None => line,
    };
    match item.split_whitespace().next() {
        Some("use" | "extern" | "macro_rules!") => true,
        Some("mod") => item.trim_end().ends_with(';'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lib_of_declarations_is_fine() {
        let text = r#"#![doc = include_str!("../README.md")]
#![cfg_attr(
    docsrs,
    feature(doc_cfg)
)]

// A comment.
mod backend;
#[cfg(feature = "x")]
pub mod config;
pub(crate) mod inner;

pub use backend::{
    A, B,
};
extern crate self as me;

#[doc(hidden)]
pub mod __private {
    // For the macro.
    pub use crate::{
        inner::C,
    };
    pub use inventory;
}

#[macro_export]
macro_rules! register_backend {
    ($driver:path) => {};
}
"#;
        assert_eq!(lib_holds_no_items("lib.rs", text), []);
        assert_eq!(lib_shows_readme("lib.rs", text), None);
    }

    #[test]
    fn items_in_a_lib_are_named_with_their_lines() {
        let text = "mod a;\n\npub fn f() {\n    g();\n}\nstruct S;\nmod tests {\n    fn t() \
            {}\n}\nimpl S {}\npub static X: u8 = 1;\n";
        let found: Vec<_> =
            lib_holds_no_items("lib.rs", text).into_iter().map(|problem| problem.advice).collect();
        let lines: Vec<_> = found.iter().filter_map(|advice| advice.split(':').next()).collect();
        assert_eq!(lines, ["line 3", "line 6", "line 7", "line 10", "line 11"]);
        assert_eq!(found[0], "line 3: move `pub fn f()` to a module of its own");
    }

    #[test]
    fn a_lib_without_the_readme_is_told_the_line() {
        assert!(
            lib_shows_readme("lib.rs", "//! Docs.\n")
                .is_some_and(|problem| problem.advice.contains(README))
        );
    }

    #[test]
    fn a_long_line_is_found_if_it_can_be_broken() {
        let words = "word ".repeat(30);
        let text = format!("    /// {words}\n    let a = \"{words}\";\n/// | {words}\n");
        assert_eq!(width("a.rs", &text).len(), 2);
        assert_eq!(width("a.rs", &format!("//! https://{}\n", "a".repeat(100))), []);
    }

    #[test]
    fn the_limit_itself_is_allowed() {
        assert_eq!(length("a.rs", &"\n".repeat(MAX_LINES)), None);
        assert!(length("a.rs", &"\n".repeat(MAX_LINES + 1)).is_some());
    }
}

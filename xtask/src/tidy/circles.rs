//! No circle between the files of a crate: no two of them use each other, directly or not.
//!
//! A file is read as tokens, so that what a macro is given counts too. What is named through a
//! re-export is used from the file that defines it; `mod` and `pub use` themselves use nothing.
//! Unit tests are left out.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::problem::Problem;

type Path = Vec<String>;

/// How many re-exports of re-exports are followed.
const MAX_DEPTH: usize = 16;

/// The circles between these files of a crate, given as `(path, text)`; `src` is its directory.
pub(super) fn check(src: &str, sources: &[(String, String)]) -> Vec<Problem> {
    let mut files = Vec::new();
    for (path, text) in sources {
        let below = path[src.len() + 1..].trim_end_matches(".rs");
        // Unit tests may use anything.
        if below.ends_with("tests") || below.contains("tests/") {
            continue;
        }
        let mut file = File { path, module: module(below), ..File::default() };
        match text.parse::<TokenStream>() {
            Ok(tokens) => file.read(tokens),
            Err(error) => return vec![Problem::new(path, error.to_string())],
        }
        files.push(file);
    }
    Crate(files).circles()
}

/// `a/b` and `a/b/mod` are the module `a::b`.
fn module(path: &str) -> Path {
    let path = path.strip_suffix("/mod").unwrap_or(path);
    let is_root = ["lib", "main"].contains(&path);
    if is_root { Vec::new() } else { path.split('/').map(str::to_owned).collect() }
}

/// What one file defines and names; paths are as they are written in it.
#[derive(Default)]
struct File<'a> {
    path: &'a str,
    module: Path,
    items: BTreeSet<String>,
    /// What `use` makes known here, by its name here.
    uses: BTreeMap<String, Path>,
    globs: BTreeSet<Path>,
    paths: BTreeSet<Path>,
}

impl File<'_> {
    fn read(&mut self, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += 1;
            match token {
                TokenTree::Punct(mark) if mark.as_char() == '#' => {
                    let attribute = tokens.get(at).map(|group| group.to_string().replace(' ', ""));
                    let attribute = attribute.unwrap_or_default();
                    let is_test = |cfg: &&str| attribute.starts_with(*cfg);
                    if ["[cfg(test)]", "[cfg(all(test,"].iter().any(is_test) {
                        at += tokens[at..].iter().take_while(|token| !is_end(token)).count();
                    }
                    at += 1;
                }
                TokenTree::Group(group) => self.read(group.stream()),
                TokenTree::Ident(word) => match word.to_string().as_str() {
                    "use" => {
                        let is_public = at > 1 && is_visibility(&tokens[at - 2]);
                        let tree = tokens[at..].iter().take_while(|token| !is_mark(token, ';'));
                        let tree: Vec<_> = tree.cloned().collect();
                        at += tree.len();
                        self.read_use(&[], &tree, is_public);
                    }
                    "mod" => at += 1,
                    "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" => {
                        self.items.extend(tokens.get(at).map(ToString::to_string));
                    }
                    first => {
                        let mut path = vec![first.to_owned()];
                        while let [a, b, TokenTree::Ident(next), ..] = &tokens[at..]
                            && is_mark(a, ':')
                            && is_mark(b, ':')
                        {
                            path.push(next.to_string());
                            at += 3;
                        }
                        self.paths.insert(path);
                    }
                },
                _ => {}
            }
        }
    }

    /// Reads what stands between `use` and `;`, or a part of it between commas.
    fn read_use(&mut self, prefix: &[String], tree: &[TokenTree], is_public: bool) {
        let mut path = prefix.to_vec();
        let mut name = None;
        let mut tokens = tree.iter();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(word) if *word == "as" => {
                    name = tokens.next().map(ToString::to_string);
                }
                TokenTree::Ident(word) if *word == "self" && !path.is_empty() => {}
                TokenTree::Ident(word) => path.push(word.to_string()),
                TokenTree::Group(group) => {
                    let parts: Vec<_> = group.stream().into_iter().collect();
                    for part in
                        parts.split(|token| is_mark(token, ',')).filter(|part| !part.is_empty())
                    {
                        self.read_use(&path, part, is_public);
                    }
                    return;
                }
                TokenTree::Punct(mark) if mark.as_char() == '*' => {
                    self.globs.insert(path);
                    return;
                }
                _ => {}
            }
        }
        if !is_public {
            self.paths.insert(path.clone());
        }
        let name = name.or_else(|| path.last().cloned()).unwrap_or_default();
        self.uses.insert(name, path);
    }
}

fn is_mark(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

/// Whether an item ends with it.
fn is_end(token: &TokenTree) -> bool {
    is_mark(token, ';')
        || matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

/// `pub`, or the end of `pub(crate)`.
fn is_visibility(token: &TokenTree) -> bool {
    match token {
        TokenTree::Ident(word) => *word == "pub",
        TokenTree::Group(group) => group.delimiter() == Delimiter::Parenthesis,
        _ => false,
    }
}

struct Crate<'a>(Vec<File<'a>>);

impl Crate<'_> {
    /// The file of this module.
    fn file(&self, module: &[String]) -> Option<usize> {
        self.0.iter().position(|file| file.module == module)
    }

    /// The file that defines what this path names in the file `from`, and the name there; none for
    /// a module itself, and for what is of another crate.
    fn definition(&self, from: usize, path: &[String], depth: usize) -> Option<(usize, String)> {
        let file = &self.0[from];
        let (first, mut rest) = path.split_first().filter(|_| depth < MAX_DEPTH)?;
        let mut module = file.module.clone();
        match first.as_str() {
            "crate" => module.clear(),
            "self" => {}
            "super" => {
                module.pop()?;
                while rest.first().is_some_and(|next| next == "super") {
                    module.pop()?;
                    rest = &rest[1..];
                }
            }
            _ if self.file(&[&module[..], &path[..1]].concat()).is_some() => rest = path,
            _ => return self.imported(from, path, depth),
        }
        while let Some((next, others)) = rest.split_first()
            && self.file(&[&module[..], std::slice::from_ref(next)].concat()).is_some()
        {
            module.push(next.clone());
            rest = others;
        }
        let owner = self.file(&module)?;
        self.imported(owner, rest, depth).or_else(|| Some((owner, rest.first()?.clone())))
    }

    /// The definition of a path that begins with a name from a `use` of this file.
    fn imported(&self, file: usize, path: &[String], depth: usize) -> Option<(usize, String)> {
        let (name, rest) = path.split_first()?;
        let File { uses, items, globs, .. } = &self.0[file];
        if let Some(used) = uses.get(name).filter(|used| used[..] != path[..]) {
            return self.definition(file, &[used, rest].concat(), depth + 1);
        }
        let globs = globs.iter().filter(|_| !items.contains(name));
        globs.map(|glob| [glob, path].concat()).find_map(|path| {
            let (owner, name) = self.definition(file, &path, depth + 1)?;
            self.0[owner].items.contains(&name).then_some((owner, name))
        })
    }

    fn circles(&self) -> Vec<Problem> {
        let mut edges = BTreeMap::<(usize, usize), BTreeSet<String>>::new();
        for (from, file) in self.0.iter().enumerate() {
            for path in &file.paths {
                match self.definition(from, path, 0) {
                    Some((to, name)) if to != from => {
                        edges.entry((from, to)).or_default().insert(name)
                    }
                    _ => continue,
                };
            }
        }
        let files = 0..self.0.len();
        let mut reaches: BTreeSet<_> = edges.keys().copied().collect();
        for middle in files.clone() {
            for from in files.clone() {
                if reaches.contains(&(from, middle)) {
                    let from_middle = reaches.range((middle, 0)..(middle + 1, 0));
                    let further: Vec<_> = from_middle.map(|(_, to)| (from, *to)).collect();
                    reaches.extend(further);
                }
            }
        }
        let is_circle = |a, b| reaches.contains(&(a, b)) && reaches.contains(&(b, a));
        let is_first =
            |file: &usize| (0..=*file).find(|other| is_circle(*other, *file)) == Some(*file);
        let problem = |first: usize| {
            let mut advice = "break the circle:".to_owned();
            for ((from, to), names) in &edges {
                if is_circle(first, *from) && is_circle(first, *to) {
                    let names = names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                    let (from, to) = (self.0[*from].path, self.0[*to].path);
                    advice += &format!("\n    {from} uses {names} of {to}");
                }
            }
            Problem::new(self.0[first].path, advice)
        };
        files.filter(is_first).map(problem).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(sources: &[(&str, &str)]) -> Vec<String> {
        let owned = |(path, text): &(&str, &str)| (format!("src/{path}"), (*text).to_owned());
        let sources: Vec<_> = sources.iter().map(owned).collect();
        check("src", &sources).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_circle_is_reported_with_the_names_that_make_it() {
        let sources = [
            ("lib.rs", "mod a; mod b; mod c; pub use a::A; pub use b::{B, C as D};"),
            ("a/mod.rs", "use crate::D; mod child; pub use child::*; pub struct A;"),
            ("a/child.rs", "pub struct Inner;"),
            ("b.rs", "use crate::a; pub struct B; pub struct C; fn f() { g!(a::A::new()); }"),
            ("c.rs", "use crate::{B, a::Inner}; #[cfg(test)] mod tests { use crate::x; }"),
        ];
        let expected = "src/a/mod.rs: break the circle:\n    src/a/mod.rs uses C of src/b.rs\n    \
                        src/b.rs uses A of src/a/mod.rs";
        assert_eq!(found(&sources), [expected]);
    }

    #[test]
    fn re_exports_and_tests_make_no_circle() {
        let sources = [
            ("lib.rs", "mod a; mod b; pub use a::A; pub(crate) use b::B;"),
            ("a/mod.rs", "mod one; mod two; pub use one::One; pub use two::Two;"),
            ("a/one.rs", "use super::Two; pub struct One; pub struct A;"),
            ("a/two.rs", "pub struct Two; #[cfg(test)] mod tests { use super::super::One; }"),
            ("b.rs", "use crate::{A, a::{self, Two as T}}; pub struct B(a::One);"),
            ("b_tests.rs", "use crate::B;"),
        ];
        assert_eq!(found(&sources), Vec::<String>::new());
    }
}

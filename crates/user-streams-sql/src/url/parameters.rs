//! The parameters of a URL: each database has one table of them, from which they are parsed, listed
//! in errors and documented.

use user_streams_core::{Error, Result};

use super::{escapes::decode_query, invalid};

/// A parameter that is known.
pub(super) struct Parameter<T> {
    pub(super) name: &'static str,
    /// Other spellings.
    pub(super) also: &'static [&'static str],
    /// What it may be, for the documentation.
    #[allow(dead_code, reason = "the documentation is made in a test")]
    pub(super) values: &'static str,
    #[allow(dead_code, reason = "the documentation is made in a test")]
    pub(super) meaning: &'static str,
    /// Reads a value; what it answers else says what was expected, and not what was there.
    pub(super) read: fn(&mut T, &str) -> Result<(), String>,
}

/// Parameters of other programs, which are refused, and what to do instead.
pub(super) struct Foreign {
    pub(super) names: &'static [&'static str],
    pub(super) advice: &'static str,
}

/// Reads a query into `target`.
pub(super) fn read<T>(
    query: Option<&str>,
    known: &[Parameter<T>],
    foreign: &[Foreign],
    target: &mut T,
) -> Result<()> {
    let query = query.unwrap_or_default();
    let mut seen = Vec::new();
    for (index, pair) in query.split('&').enumerate() {
        if pair.is_empty() {
            continue;
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Some(name), Some(value)) = (decode_query(name), decode_query(value)) else {
            return Err(invalid(format!(
                "parameter number {} is badly percent-encoded: a `%` itself is `%25`",
                index + 1
            )));
        };
        let Some(parameter) = known.iter().find(|known| known.is_called(&name)) else {
            return Err(unknown(&name, index, query, known, foreign));
        };
        if seen.contains(&parameter.name) {
            return Err(invalid(format!("the parameter `{}` is there twice", parameter.name)));
        }
        seen.push(parameter.name);
        (parameter.read)(target, &value)
            .map_err(|expected| invalid(format!("{}: expected {expected}", parameter.name)))?;
    }
    Ok(())
}

impl<T> Parameter<T> {
    fn is_called(&self, name: &str) -> bool {
        self.name == name || self.also.contains(&name)
    }
}

/// No name of a parameter is longer.
const LONGEST: usize = 40;

fn unknown<T>(
    name: &str,
    index: usize,
    query: &str,
    known: &[Parameter<T>],
    foreign: &[Foreign],
) -> Error {
    let is_name = |other: &&str| other.eq_ignore_ascii_case(name);
    let foreign = foreign.iter().find(|foreign| foreign.names.iter().any(is_name));
    let spellings = known.iter().flat_map(|known| {
        known.also.iter().chain([&known.name]).map(|spelling| (*spelling, known.name))
    });
    let nearest = spellings
        .map(|(spelling, name_of)| (distance(&letters(spelling), &letters(name)), name_of))
        .min()
        .filter(|(distance, _)| *distance <= name.len() / 3);
    let advice = match (foreign, nearest) {
        (Some(foreign), _) => format!(": {}", foreign.advice),
        (None, Some((_, name))) => format!(": did you mean `{name}`?"),
        (None, None) => String::new(),
    };
    let what = if foreign.is_some() || nearest.is_some() || is_harmless(name, query) {
        format!("unknown parameter `{name}`")
    } else {
        // Its name may be the rest of a password.
        format!("parameter number {} is unknown", index + 1)
    };
    let names: Vec<_> = known.iter().map(|known| format!("`{}`", known.name)).collect();
    let end = if advice.ends_with('?') { "" } else { ";" };
    invalid(format!("{what}{advice}{end} known are {}", names.join(", ")))
}

/// Whether it looks like the name of something, and cannot be the rest of a password after a `&`.
fn is_harmless(name: &str, query: &str) -> bool {
    name.len() <= LONGEST
        && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_' || byte == b'-')
        && !query.to_ascii_lowercase().contains("password")
}

/// A name without the marks that spellings differ by.
fn letters(name: &str) -> String {
    name.chars().filter(|c| *c != '-' && *c != '_').map(|c| c.to_ascii_lowercase()).collect()
}

/// How many letters to add, to leave out or to change (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<_> = to.chars().collect();
    let mut row: Vec<_> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let change = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

/// The value of this name.
pub(super) fn one_of<V: Copy>(values: &[(&str, V)], value: &str) -> Result<V, String> {
    let found = values.iter().find(|(name, _)| name.eq_ignore_ascii_case(value));
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = values.iter().map(|(name, _)| format!("`{name}`")).collect();
        format!("one of {}", names.join(", "))
    })
}

/// A text that is not empty.
pub(super) fn text(value: &str) -> Result<String, String> {
    if value.is_empty() { Err("a text".to_owned()) } else { Ok(value.to_owned()) }
}

/// A number of prepared statements.
pub(super) fn statements(value: &str) -> Result<usize, String> {
    let number = value.parse().ok().filter(|number| *number <= 100_000);
    number.ok_or_else(|| "a number from 0 to 100000".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Parameter<Option<bool>>] = &[Parameter {
        name: "sslmode",
        also: &["ssl-mode"],
        values: "`on`, `off`",
        meaning: "a test",
        read: |mode, value| {
            *mode = Some(one_of(&[("on", true), ("off", false)], value)?);
            Ok(())
        },
    }];
    const FOREIGN: &[Foreign] = &[Foreign { names: &["currentSchema"], advice: "write that" }];

    fn message(query: &str) -> String {
        read(Some(query), KNOWN, FOREIGN, &mut None).unwrap_err().to_string()
    }

    #[test]
    fn a_known_one_is_read_by_each_of_its_names() {
        for query in ["sslmode=on", "ssl-mode=ON", "&sslmode=on&"] {
            let mut mode = None;
            read(Some(query), KNOWN, FOREIGN, &mut mode).unwrap();
            assert_eq!(mode, Some(true), "{query}");
        }
    }

    #[test]
    fn an_unknown_one_is_named_with_what_may_be_meant() {
        for near in ["sslmod=x", "sslMode=x", "ssl_mode=x", "sslmodee=x", "SSLMODE=on"] {
            let message = message(near);
            assert!(message.contains("did you mean `sslmode`?"), "{near}: {message}");
        }
        let text = message("currentschema=app");
        assert_eq!(text, "url: unknown parameter `currentschema`: write that; known are `sslmode`");
        assert_eq!(message("zone=1"), "url: unknown parameter `zone`; known are `sslmode`");
    }

    #[test]
    fn a_value_is_never_shown_nor_a_name_that_may_be_one() {
        for query in
            ["sslmode=s3cr3t", "s3cr3t", "x=1&s3cr3t=2", "sslmode=on&sslmode=s3cr3t", "%s3cr3t=1"]
        {
            let message = message(query);
            assert!(!message.contains("s3cr3t"), "{query}: {message}");
        }
        assert!(!message("password=a&hunter=2").contains("hunter"));
        assert_eq!(message("sslmode=1"), "url: sslmode: expected one of `on`, `off`");
    }
}

//! The environment variables `USER_STREAMS_…`, read only when the application asks for it.

use std::{collections::BTreeMap, ffi::OsString};

use crate::{Error, ErrorKind, Result, error::name_excerpt};

const PREFIX: &str = "USER_STREAMS_";
/// The settings that are core's own.
const CORE: &[&str] = &[
    "BACKEND",
    "USE_UTC",
    "MAX_CONTENT_LEN",
    "FEEDS",
    "ITEM_MARKS",
    "AUDIENCES",
    "DISMISSALS",
    "RETRACTIONS",
    "MAX_LEN",
    "MAX_AGE",
    "HIDE_FUTURE",
    "LIVE",
    "POLL_INTERVAL",
    "LATENESS",
];

/// The variables with our prefix, taken off it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment(BTreeMap<String, String>);

impl Environment {
    pub(crate) fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Self> {
        let mut ours = BTreeMap::new();
        for (name, value) in variables {
            let Some(name) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else {
                continue;
            };
            let value = value.into_string().map_err(|_| invalid(name, "the value is not UTF-8"))?;
            ours.insert(name.to_owned(), value);
        }
        Ok(Self(ours))
    }

    /// Takes a variable of core's own.
    pub(crate) fn take<T>(
        &mut self,
        name: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        let parsed = self.0.remove(name).map(|text| {
            // The text itself may be a misplaced secret.
            parse(&text).ok_or_else(|| invalid(name, &format!("malformed: expected {expected}")))
        });
        parsed.transpose()
    }

    /// All but core's own.
    pub(crate) fn without_core(mut self) -> Self {
        CORE.iter().for_each(|name| drop(self.0.remove(*name)));
        self
    }

    /// The options of the backend `own`, as `(option, variable, text)`. A name that belongs to none
    /// of the `known` backends is an error.
    pub(crate) fn options_of(
        &self,
        own: &str,
        known: impl IntoIterator<Item = &'static str>,
    ) -> Result<Vec<(String, String, &str)>> {
        let own = variable_part(own);
        let known: Vec<_> = known.into_iter().map(variable_part).chain([own.clone()]).collect();
        let mut options = Vec::new();
        for (name, text) in &self.0 {
            // The longest match wins: a backend `redis-x` must not read its options as those of
            // `redis`.
            let owners = known.iter().filter(|part| option_of(name, part).is_some());
            match owners.max_by_key(|part| part.len()) {
                Some(owner) if *owner == own => {
                    let option = option_of(name, owner).unwrap_or_default().to_ascii_lowercase();
                    options.push((option, format!("{PREFIX}{name}"), text.as_str()));
                }
                Some(_) => {}
                None => return Err(unknown(name, &own)),
            }
        }
        Ok(options)
    }
}

/// `single-table` is `SINGLE_TABLE` in the name of a variable.
fn variable_part(backend: &str) -> String {
    backend.to_ascii_uppercase().replace('-', "_")
}

fn option_of<'a>(name: &'a str, backend: &str) -> Option<&'a str> {
    name.strip_prefix(backend)?.strip_prefix('_').filter(|option| !option.is_empty())
}

fn unknown(name: &str, backend: &str) -> Error {
    let message = format!(
        "unknown setting; known are {} and {backend}_<OPTION>, each after `{PREFIX}`",
        CORE.join(", ")
    );
    invalid(name, &message)
}

pub(crate) fn missing(name: &str, expected: &str) -> Error {
    invalid(name, &format!("not set: expected {expected}"))
}

fn invalid(name: &str, message: &str) -> Error {
    Error::new(ErrorKind::InvalidSettings, format!("{PREFIX}{}: {message}", name_excerpt(name)))
}

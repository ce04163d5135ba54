//! The environment variables `USER_STREAMS_…`, read only when the application asks for it.

use std::{collections::BTreeMap, ffi::OsString};

use crate::{BackendDriver, Error, ErrorKind, Options, Registry, Result};

const PREFIX: &str = "USER_STREAMS_";
/// Options of backends that may not be linked here, and what the test suite reads.
const RESERVED: &[&str] = &["SINGLE_TABLE", "MANY_TO_MANY", "REDIS", "MEMORY", "TEST"];

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

    /// The options of `driver`; a name that belongs to no known backend is an error.
    pub(crate) fn add_to(
        &self,
        options: &mut Options,
        driver: &BackendDriver,
        registry: &Registry,
    ) -> Result<()> {
        let own = variable_part(driver);
        let others: Vec<_> =
            registry.drivers().iter().map(|driver| variable_part(driver)).collect();
        let known = || RESERVED.iter().copied().chain(others.iter().map(String::as_str));
        for (name, text) in &self.0 {
            // The longest match wins: a backend `redis-x` must not read its options as those of
            // `redis`.
            let owner = known()
                .filter(|part| option_of(name, part).is_some())
                .max_by_key(|part| part.len());
            match owner {
                Some(owner) if owner == own => {
                    let option = option_of(name, owner).unwrap_or_default().to_ascii_lowercase();
                    options.set_from_environment(option, &format!("{PREFIX}{name}"), text);
                }
                Some(_) => {}
                None => {
                    return Err(invalid(
                        name,
                        &format!(
                            "unknown setting; known are BACKEND, USE_UTC, MAX_CONTENT_LEN and \
                             {own}_<OPTION>, each after `{PREFIX}`"
                        ),
                    ));
                }
            }
        }
        Ok(())
    }
}

/// `single-table` is `SINGLE_TABLE` in the name of a variable.
fn variable_part(driver: &BackendDriver) -> String {
    driver.name().to_ascii_uppercase().replace('-', "_")
}

fn option_of<'a>(name: &'a str, backend: &str) -> Option<&'a str> {
    name.strip_prefix(backend)?.strip_prefix('_').filter(|option| !option.is_empty())
}

pub(crate) fn missing(name: &str, expected: &str) -> Error {
    invalid(name, &format!("not set: expected {expected}"))
}

fn invalid(name: &str, message: &str) -> Error {
    Error::new(ErrorKind::InvalidSettings, format!("{PREFIX}{name}: {message}"))
}

//! The settings out of flags, the environment and a file, in this order.

use std::{collections::BTreeMap, env, ffi::OsString, fs, path::Path};

use serde_json::{Map, Value};
use user_streams::{Settings, backend::Registry};

use crate::{failure::Failure, flags::SettingsFlags};

const PREFIX: &str = "USER_STREAMS_";
/// A variable of this program's own.
const CONFIG: &str = "USER_STREAMS_CONFIG";

/// The settings of a command.
pub(crate) fn settings(flags: &SettingsFlags) -> Result<Settings, Failure> {
    let file = match &flags.config {
        Some(path) => read(path)?,
        None => Map::new(),
    };
    layered(flags, file, None)
}

/// The settings of one of two sides: of a file, or with this URL.
pub(crate) fn side(flags: &SettingsFlags, text: &str) -> Result<Settings, Failure> {
    if Path::new(text).is_file() {
        let file = read(Path::new(text))?;
        let url = file.get("backend").and_then(Value::as_str).map(str::to_owned);
        let missing = || Failure::usage(format!("{text}: `backend` is missing: it is the URL"));
        return layered(flags, file, Some(url.ok_or_else(missing)?));
    }
    let file = match &flags.config {
        Some(path) => read(path)?,
        None => Map::new(),
    };
    layered(flags, file, Some(text.to_owned()))
}

/// The settings of a file, which is checked to have nothing else.
fn read(path: &Path) -> Result<Map<String, Value>, Failure> {
    let shown = path.display();
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read the settings in {shown}: {error}")))?;
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    // The formats' own errors may show a line that has a password.
    let malformed = |format: &str, line: Option<usize>| {
        let line = line.map(|line| format!(", line {line}")).unwrap_or_default();
        Failure::usage(format!("{shown}{line}: malformed {format}"))
    };
    let file: Value = if is_json {
        serde_json::from_str(&text).map_err(|error| malformed("JSON", Some(error.line())))?
    } else {
        toml::from_str(&text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            malformed("TOML", before.map(|before| before.lines().count().max(1)))
        })?
    };
    let Value::Object(mut file) = file else {
        return Err(Failure::usage(format!("{shown}: expected the names of settings")));
    };
    let mut checked = file.clone();
    checked.entry("backend").or_insert_with(|| "memory://".into());
    serde_json::from_value::<Settings>(checked.into())
        .map_err(|error| Failure::usage(error.to_string()).because_of(shown))?;
    file.retain(|_, value| !value.is_null());
    Ok(file)
}

/// Everything as variables of the environment, which have the names of settings, whatever backend
/// the options are of; but what a file gives as a typed option stays that.
fn layered(
    flags: &SettingsFlags,
    mut file: Map<String, Value>,
    url: Option<String>,
) -> Result<Settings, Failure> {
    let options = file.remove("options");
    let mut variables: BTreeMap<OsString, OsString> =
        file.iter().map(|(name, value)| (variable(name), text(value).into())).collect();
    let ours = |name: &OsString| {
        name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name != CONFIG)
    };
    variables.extend(env::vars_os().filter(|(name, _)| ours(name)));
    variables.extend(flags.given().into_iter().map(|(name, value)| (variable(name), value.into())));
    variables.extend(url.map(|url| (variable("backend"), url.into())));
    let backend = variables.get(&variable("backend"));
    let scheme = backend.and_then(|url| url.to_str()).and_then(|url| url.split_once(':'));
    let owner = scheme.and_then(|(scheme, _)| backend_of(scheme));
    if let Some(owner) = owner {
        let given = flags.options.iter();
        variables.extend(given.map(|(name, value)| (option(owner, name), value.into())));
    }
    if variables.get(&variable("backend")).is_none_or(|url| url.is_empty()) {
        let message = "no backend is named: give --backend URL, such as `--backend \
                       single-table+sqlite://feeds.db`, set USER_STREAMS_BACKEND, or give --config \
                       FILE";
        return Err(Failure::usage(message));
    }
    let is_set: Vec<_> = variables.keys().cloned().collect();
    let mut settings = Settings::from_vars(variables)?;
    if let Some(Value::Object(options)) = options {
        for (name, value) in options {
            let is_overridden = owner.is_some_and(|owner| is_set.contains(&option(owner, &name)));
            if !is_overridden {
                settings = settings.with_option(name, value);
            }
        }
    }
    Ok(settings)
}

/// The backend that answers to a scheme.
fn backend_of(scheme: &str) -> Option<&'static str> {
    let registry = Registry::linked();
    let driver = registry.drivers().iter().find(|driver| driver.schemes().contains(&scheme))?;
    Some(driver.name())
}

fn variable(setting: &str) -> OsString {
    format!("{PREFIX}{}", setting.to_ascii_uppercase()).into()
}

fn option(backend: &str, name: &str) -> OsString {
    variable(&format!("{}_{name}", backend.replace('-', "_")))
}

/// A value as the environment has it.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

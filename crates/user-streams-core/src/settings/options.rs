//! A backend's own options, as they came from code, a file or the environment, until its driver
//! makes its typed configuration of them.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, IntoDeserializer, Visitor, value::MapDeserializer},
};
use serde_json::Value;

use crate::{
    Error, ErrorKind, Result,
    settings::option_value::{OptionValue, ParseError},
};

/// The options of one backend by name. A driver turns them into its configuration by
/// [`parse`](Self::parse).
#[derive(Clone, Default)]
pub struct Options(BTreeMap<String, Setting>);

/// A value and the name to show where it is wrong: `user_id`, or
/// `USER_STREAMS_SINGLE_TABLE_USER_ID`.
#[derive(Clone)]
struct Setting {
    shown: String,
    value: Raw,
}

#[derive(Clone)]
enum Raw {
    Typed(Value),
    /// From the environment: what it means depends on the type of the option.
    Text(String),
}

impl Options {
    /// No options.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an option.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        let name = name.into();
        self.0.insert(name.clone(), Setting { shown: name, value: Raw::Typed(value.into()) });
    }

    /// Adds an option of the environment, unless it is set already.
    pub(crate) fn set_from_environment(&mut self, name: String, variable: String, text: &str) {
        let setting = Setting { shown: variable, value: Raw::Text(text.to_owned()) };
        self.0.entry(name).or_insert(setting);
    }

    /// The options as a configuration, which should `deny_unknown_fields`.
    ///
    /// # Errors
    /// `InvalidSettings`, naming the option and what was expected.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        let entries = self.0.iter().map(|(name, setting)| (name.as_str(), setting.clone()));
        T::deserialize(MapDeserializer::<_, ParseError>::new(entries))
            .map_err(|error| Error::new(ErrorKind::InvalidSettings, error.to_string()))
    }
}

impl<'de> Deserialize<'de> for Options {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A text where the options should be may be a URL: the format's own error would show it.
        let Value::Object(values) = Value::deserialize(deserializer)? else {
            return Err(D::Error::custom("expected an object with the names of options"));
        };
        let mut options = Self::new();
        values.into_iter().for_each(|(name, value)| options.set(name, value));
        Ok(options)
    }
}

/// Names alone: values may be secret.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What a text of the environment is to be read as.
#[derive(Clone, Copy)]
enum Expected {
    Bool,
    Number,
    Text,
    Json,
}

impl Setting {
    fn typed(&self, expected: Expected) -> Result<Value, ParseError> {
        let text = match &self.value {
            Raw::Typed(value) => return Ok(value.clone()),
            Raw::Text(text) => text,
        };
        match expected {
            Expected::Bool => parse_bool(text)
                .map(Value::Bool)
                .ok_or_else(|| self.error("expected true or false")),
            Expected::Number => match serde_json::from_str(text.trim()) {
                Ok(number @ Value::Number(_)) => Ok(number),
                _ => Err(self.error("expected a number")),
            },
            Expected::Text => Ok(Value::String(text.clone())),
            Expected::Json => serde_json::from_str(text)
                .map_err(|error| self.error(format!("malformed JSON: {error}"))),
        }
    }

    fn error(&self, message: impl fmt::Display) -> ParseError {
        ParseError::custom(format!("{}: {message}", self.shown))
    }
}

pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

impl IntoDeserializer<'_, ParseError> for Setting {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! deserialize_as {
    ($expected:expr => $($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParseError> {
            OptionValue(self.typed($expected)?).$method(visitor).map_err(|error| self.error(error))
        }
    )*};
}

impl<'de> Deserializer<'de> for Setting {
    type Error = ParseError;

    deserialize_as!(Expected::Bool => deserialize_bool);
    deserialize_as!(Expected::Number =>
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_f32 deserialize_f64);
    deserialize_as!(Expected::Text =>
        deserialize_any deserialize_char deserialize_str deserialize_string deserialize_bytes
        deserialize_byte_buf deserialize_identifier deserialize_ignored_any);
    deserialize_as!(Expected::Json => deserialize_unit deserialize_seq deserialize_map);

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParseError> {
        match &self.value {
            Raw::Typed(Value::Null) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ParseError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ParseError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ParseError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ParseError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ParseError> {
        OptionValue(self.typed(Expected::Json)?)
            .deserialize_struct(name, fields, visitor)
            .map_err(|error| self.error(error))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ParseError> {
        OptionValue(self.typed(Expected::Text)?)
            .deserialize_enum(name, variants, visitor)
            .map_err(|error| self.error(error))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::UserIdKind;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Config {
        user_id: UserIdKind,
        pool: Option<u32>,
        eager: bool,
        table: String,
        arguments: HashMap<String, u32>,
    }

    impl Default for Config {
        fn default() -> Self {
            Self {
                user_id: UserIdKind::BigInt,
                pool: None,
                eager: false,
                table: "t".into(),
                arguments: HashMap::new(),
            }
        }
    }

    fn environment(pairs: &[(&str, &str)]) -> Options {
        let mut options = Options::new();
        for (name, text) in pairs {
            let variable = format!("US_{}", name.to_uppercase());
            options.set_from_environment((*name).to_owned(), variable, text);
        }
        options
    }

    #[test]
    fn texts_of_the_environment_become_what_the_configuration_expects() {
        let all = [
            ("user_id", "uuid"),
            ("pool", "4"),
            ("eager", "yes"),
            ("table", "7"),
            ("arguments", r#"{"db": 2}"#),
        ];
        let config: Config = environment(&all).parse().unwrap();
        let arguments = HashMap::from([("db".to_owned(), 2)]);
        assert_eq!(
            config,
            Config {
                user_id: UserIdKind::Uuid,
                pool: Some(4),
                eager: true,
                table: "7".into(),
                arguments
            }
        );
    }

    #[test]
    fn a_malformed_value_names_its_variable() {
        for (name, text) in [
            ("user_id", "guid"),
            ("pool", "four"),
            ("pool", "-1"),
            ("eager", "maybe"),
            ("arguments", "{"),
        ] {
            let error = environment(&[(name, text)]).parse::<Config>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidSettings);
            assert!(
                error.to_string().starts_with(&format!("US_{}: ", name.to_uppercase())),
                "{error}"
            );
        }
    }

    #[test]
    fn an_unknown_option_is_refused_with_the_known_ones() {
        let mut options = Options::new();
        options.set("usr_id", "uuid");
        let message = options.parse::<Config>().unwrap_err().to_string();
        assert!(
            message.contains("unknown option `usr_id`") && message.contains("`user_id`"),
            "{message}"
        );
    }

    #[test]
    fn typed_values_keep_their_types() {
        let mut options = Options::new();
        options.set("pool", 4);
        options.set("table", 7);
        let error = options.parse::<Config>().unwrap_err();
        assert!(error.to_string().starts_with("table: "), "{error}");
    }
}

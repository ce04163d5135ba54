//! The value of an option. What it cannot become is an error that does not show it: it may be a
//! password, of that option or of another.

use std::fmt;

use serde::{
    Deserializer,
    de::{
        self, Expected, IntoDeserializer, Unexpected, Visitor,
        value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::Value;

use crate::error::name_excerpt;

/// Why a value is not what the configuration has.
#[derive(Debug)]
pub(crate) struct ParseError(String);

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ParseError {}

impl de::Error for ParseError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self(format!("expected {expected}, found {}", kind(found)))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self(format!("expected {expected}"))
    }

    fn unknown_field(name: &str, expected: &'static [&'static str]) -> Self {
        Self(format!("unknown option `{}`, expected {}", name_excerpt(name), one_of(expected)))
    }

    fn missing_field(name: &'static str) -> Self {
        Self(format!("missing option `{name}`"))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self(format!("expected {}", one_of(expected)))
    }
}

fn one_of(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    format!("one of {}", names.join(", "))
}

/// What a value is, but for itself.
fn kind(value: Unexpected<'_>) -> &'static str {
    match value {
        Unexpected::Bool(_) => "true or false",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Char(_) | Unexpected::Str(_) => "a text",
        Unexpected::Unit | Unexpected::Option => "nothing",
        Unexpected::Seq => "a list",
        Unexpected::Map => "an object",
        _ => "something else",
    }
}

/// A value on its way into a configuration.
pub(crate) struct OptionValue(pub(crate) Value);

impl IntoDeserializer<'_, ParseError> for OptionValue {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for OptionValue {
    type Error = ParseError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParseError> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), ..) => visitor.visit_u64(number),
                (None, Some(number), _) => visitor.visit_i64(number),
                (None, None, number) => visitor.visit_f64(number.unwrap_or(f64::NAN)),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(values) => {
                SeqDeserializer::new(values.into_iter().map(Self)).deserialize_any(visitor)
            }
            Value::Object(fields) => {
                let fields = fields.into_iter().map(|(name, value)| (name, Self(value)));
                MapDeserializer::new(fields).deserialize_any(visitor)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParseError> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ParseError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ParseError> {
        match self.0 {
            Value::String(name) => visitor.visit_enum(name.into_deserializer()),
            Value::Object(fields) => {
                let fields = fields.into_iter().map(|(name, value)| (name, Self(value)));
                visitor.visit_enum(MapAccessDeserializer::new(MapDeserializer::new(fields)))
            }
            other => Self(other).deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    enum Choice {
        One,
        Two { of: u8 },
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Wrapped(f64);

    type All = BTreeMap<String, (Option<bool>, Vec<i8>, Choice, Wrapped)>;

    fn parse(json: &str) -> Result<All, ParseError> {
        All::deserialize(OptionValue(serde_json::from_str(json).unwrap()))
    }

    #[test]
    fn a_value_becomes_what_it_would_be_as_json() {
        for json in [
            r#"{"a": [null, [-1, 2], "One", 1.5]}"#,
            r#"{"a": [true, [], {"Two": {"of": 7}}, 3]}"#,
            "{}",
        ] {
            assert_eq!(parse(json).unwrap(), serde_json::from_str(json).unwrap(), "{json}");
        }
    }

    #[test]
    fn no_error_shows_the_value() {
        for json in [
            r#""s3cr3t""#,
            r#"{"a": ["s3cr3t", [], "One", 1]}"#,
            r#"{"a": [true, ["s3cr3t"], "One", 1]}"#,
            r#"{"a": [true, [300], "One", 1]}"#,
            r#"{"a": [true, [], "s3cr3t", 1]}"#,
            r#"{"a": [true, [], {"s3cr3t": 1}, 1]}"#,
            r#"{"a": [true, [], {"Two": {"of": "s3cr3t"}}, 1]}"#,
            r#"{"a": [true, [], "One", "s3cr3t"]}"#,
            r#"{"a": [true, [], "One", 1, "s3cr3t"]}"#,
        ] {
            let message = parse(json).unwrap_err().to_string();
            assert!(!message.contains("s3cr3t") && !message.contains("300"), "{json}: {message}");
        }
        let message = parse(r#"{"a": [true, ["x"], "One", 1]}"#).unwrap_err().to_string();
        assert_eq!(message, "expected i8, found a text");
    }
}

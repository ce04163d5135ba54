//! Words of JSON and of options.

use serde_json::Value;

use crate::outcome::SECRET;

pub(super) const SQL_WORDS: &[&str] = &[
    "user_id",
    "table",
    "users",
    "max_connections",
    "max_waiting",
    "connect_timeout",
    "operation_timeout",
    "broadcast_timeout",
    "recipients_timeout",
    "synchronous",
    "bigint",
    "uuid",
    "text",
    "normal",
    "full",
    "a.b",
];
pub(super) const JSON_WORDS: &[&str] = &[
    "{\"", "\":", "\": \"", "\"}", "\", \"", ",\"", "}", "{}", "[]", "[[[[", "null", "true",
    "false", "\\u0000", "\\n", "\\\"", "1.5", "-1", "s3cr3t",
];

/// Whether the name of an option has the password in it. An unknown name is shown.
pub(super) fn has_secret_name(json: &str) -> bool {
    fn has(value: &Value) -> bool {
        match value {
            Value::Object(fields) => {
                fields.iter().any(|(name, value)| name.contains(SECRET) || has(value))
            }
            Value::Array(values) => values.iter().any(has),
            _ => false,
        }
    }
    // What follows the object is read after it.
    let mut values = serde_json::Deserializer::from_str(json).into_iter();
    values.next().is_some_and(|value| value.is_ok_and(|value| has(&value)))
}

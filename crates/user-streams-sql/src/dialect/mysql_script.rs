//! A MySQL statement with its values as text, for where it cannot be prepared by the client.

use std::fmt::Write as _;

use chrono::DateTime;
use sea_orm::{
    Value,
    sea_query::{EscapeBuilder as _, MysqlQueryBuilder, QueryBuilder as _},
};

use super::values::Hex;

/// A script that runs the statement with its values in session variables, which are cleared at the
/// end. Text values are in hexadecimal and never quoted, since quoting depends on the session's
/// `sql_mode`.
pub(crate) fn mysql_script(sql: &str, values: &[Value]) -> String {
    let mut script = format!("SET @user_streams_sql = {}", text(sql));
    let (mut using, mut reset) = (String::new(), String::new());
    for (number, value) in values.iter().enumerate() {
        let name = format!("@user_streams_{number}");
        // Writing to a string cannot fail.
        let _ = write!(script, ", {name} = {}", literal(value));
        let _ = write!(using, "{}{name}", if number == 0 { " USING " } else { ", " });
        let _ = write!(reset, "{}{name} = NULL", if number == 0 { "; SET " } else { ", " });
    }
    let _ = write!(
        script,
        "; PREPARE user_streams FROM @user_streams_sql; EXECUTE user_streams{using}; \
         DEALLOCATE PREPARE user_streams{reset}"
    );
    script
}

fn text(text: &str) -> String {
    format!("CONVERT(X'{}' USING utf8mb4)", Hex(text.as_bytes()))
}

fn literal(value: &Value) -> String {
    match value {
        Value::String(Some(value)) => text(value),
        Value::Char(Some(value)) => text(&value.to_string()),
        Value::Bytes(Some(value)) => format!("X'{}'", Hex(value)),
        Value::Uuid(Some(value)) => format!("X'{}'", value.simple()),
        // With an exponent, the literal is a floating-point number.
        Value::Float(Some(value)) if value.is_finite() => format!("{value:e}"),
        Value::Double(Some(value)) if value.is_finite() => format!("{value:e}"),
        // Numbers and NULL are literals; dates, JSON and the like are quoted.
        value => {
            let literal = MysqlQueryBuilder.value_to_string(value);
            match literal.strip_prefix('\'').and_then(|quoted| quoted.strip_suffix('\'')) {
                Some(quoted) => text(&utc(MysqlQueryBuilder.unescape_string(quoted))),
                None => literal,
            }
        }
    }
}

/// A timestamp with an offset in UTC without one, as in the binary protocol.
fn utc(text: String) -> String {
    match DateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f %:z") {
        Ok(date) => date.naive_utc().format("%Y-%m-%d %H:%M:%S%.6f").to_string(),
        Err(_) => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_values_are_in_hexadecimal() {
        let values =
            ["a'; DROP TABLE users; --".into(), 7_i64.into(), Value::Bytes(Some(vec![0, 255]))];
        assert_eq!(
            mysql_script("SELECT ?", &values),
            "SET @user_streams_sql = CONVERT(X'53454c454354203f' USING utf8mb4), \
             @user_streams_0 = CONVERT(X'61273b2044524f50205441424c452075736572733b202d2d' USING \
             utf8mb4), \
             @user_streams_1 = 7, @user_streams_2 = X'00ff'; \
             PREPARE user_streams FROM @user_streams_sql; \
             EXECUTE user_streams USING @user_streams_0, @user_streams_1, @user_streams_2; \
             DEALLOCATE PREPARE user_streams; \
             SET @user_streams_0 = NULL, @user_streams_1 = NULL, @user_streams_2 = NULL"
        );
    }

    #[test]
    fn quoted_literals_become_hexadecimal() {
        let json = serde_json::json!({ "it's": "a \\ \" quote" });
        assert_eq!(literal(&Value::from(json.clone())), text(&json.to_string()));
        let at = DateTime::parse_from_rfc3339("2026-03-01T12:00:00.25+05:30").unwrap();
        for value in [Value::from(at), Value::from(at.to_utc())] {
            assert_eq!(literal(&value), text("2026-03-01 06:30:00.250000"));
        }
        assert_eq!(literal(&Value::from(at.date_naive())), text("2026-03-01"));
    }

    #[test]
    fn numbers_stay_numbers() {
        let values: [Value; 5] =
            [true.into(), (-1_i8).into(), u64::MAX.into(), 1e-40_f64.into(), 0.1_f32.into()];
        assert_eq!(
            values.map(|value| literal(&value)),
            ["TRUE", "-1", "18446744073709551615", "1e-40", "1e-1"]
        );
        assert_eq!(literal(&Value::String(None)), "NULL");
    }
}

//! A statement of MySQL with its values, as text.

use std::fmt::Write as _;

use sea_orm::{
    Value,
    sea_query::{MysqlQueryBuilder, QueryBuilder as _},
};

use super::values::Hex;

/// The statement and its values as one text of several statements, with the values in variables of the session. No
/// text of a value is ever a part of it: it would have to be quoted, which depends on the session's `sql_mode`.
pub(crate) fn script(sql: &str, values: &[Value]) -> String {
    let text = |bytes: &[u8]| format!("CONVERT(X'{}' USING utf8mb4)", Hex(bytes));
    let mut script = format!("SET @user_streams_sql = {}", text(sql.as_bytes()));
    let mut using = String::new();
    for (number, value) in values.iter().enumerate() {
        let literal = match value {
            Value::String(Some(value)) => text(value.as_bytes()),
            Value::Char(Some(value)) => text(value.to_string().as_bytes()),
            Value::Bytes(Some(value)) => format!("X'{}'", Hex(value)),
            Value::Uuid(Some(value)) => format!("X'{}'", value.simple()),
            // Numbers, dates and NULL have nothing to quote.
            value => MysqlQueryBuilder.value_to_string(value),
        };
        let name = format!("@user_streams_{number}");
        // Writing to a string cannot fail.
        let _ = write!(script, ", {name} = {literal}");
        let _ = write!(using, "{}{name}", if number == 0 { " USING " } else { ", " });
    }
    let _ = write!(
        script,
        "; PREPARE user_streams FROM @user_streams_sql; EXECUTE user_streams{using}; \
         DEALLOCATE PREPARE user_streams"
    );
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_a_value_is_in_it() {
        let values = ["a'; DROP TABLE users; --".into(), 7_i64.into(), Value::Bytes(Some(vec![0, 255]))];
        assert_eq!(
            script("SELECT ?", &values),
            "SET @user_streams_sql = CONVERT(X'53454c454354203f' USING utf8mb4), \
             @user_streams_0 = CONVERT(X'61273b2044524f50205441424c452075736572733b202d2d' USING utf8mb4), \
             @user_streams_1 = 7, @user_streams_2 = X'00ff'; \
             PREPARE user_streams FROM @user_streams_sql; \
             EXECUTE user_streams USING @user_streams_0, @user_streams_1, @user_streams_2; \
             DEALLOCATE PREPARE user_streams"
        );
    }
}

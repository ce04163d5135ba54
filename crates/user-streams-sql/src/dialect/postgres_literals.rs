//! A PostgreSQL statement with its values as literals, so that one message can have several
//! statements.

use std::fmt::Write as _;

use sea_orm::{Value, sea_query::ArrayType};

use super::values::Hex;

/// Longer statements are sent with parameters.
const MAX_LEN: usize = 64 * 1024;

/// The statement with its values in place of `$1`, `$2`, …; `None` if a value has a type that the
/// library's own statements do not use, or if the statement gets too long. Text values are in
/// hexadecimal and never quoted, since quoting depends on a setting that other clients of the
/// session may have changed.
pub(crate) fn postgres_literals(sql: &str, values: &[Value]) -> Option<String> {
    let literals = values.iter().map(literal).collect::<Option<Vec<_>>>()?;
    let mut text = String::with_capacity(sql.len() * 2);
    let mut in_quotes = None;
    let mut characters = sql.char_indices();
    while let Some((index, character)) = characters.next() {
        match (in_quotes, character) {
            (None, '$') => {
                let digits = sql[index + 1..].bytes().take_while(u8::is_ascii_digit).count();
                let number: usize = sql[index + 1..index + 1 + digits].parse().ok()?;
                text += literals.get(number.checked_sub(1)?)?;
                characters.by_ref().take(digits).for_each(drop);
                continue;
            }
            (None, '\'' | '"') => in_quotes = Some(character),
            (Some(mark), _) if mark == character => in_quotes = None,
            _ => {}
        }
        text.push(character);
    }
    (text.len() <= MAX_LEN).then_some(text)
}

fn literal(value: &Value) -> Option<String> {
    Some(match value {
        Value::BigInt(Some(number)) => format!("'{number}'::bigint"),
        Value::Uuid(Some(id)) => format!("'{id}'::uuid"),
        Value::String(Some(text)) => {
            format!("convert_from(decode('{}', 'hex'), 'UTF8')", Hex(text.as_bytes()))
        }
        Value::Array(kind, Some(values)) => return array(kind, values),
        _ => return None,
    })
}

fn array(kind: &ArrayType, values: &[Value]) -> Option<String> {
    let (open, close) = match kind {
        ArrayType::BigInt => ("'{", "}'::bigint[]"),
        ArrayType::Uuid => ("'{", "}'::uuid[]"),
        ArrayType::String => ("ARRAY[", "]::text[]"),
        _ => return None,
    };
    let mut text = open.to_owned();
    for (index, value) in values.iter().enumerate() {
        if text.len() > MAX_LEN {
            return None;
        }
        if index > 0 {
            text.push(',');
        }
        // Writing to a string cannot fail.
        let _ = match value {
            Value::BigInt(Some(number)) => write!(text, "{number}"),
            Value::Uuid(Some(id)) => write!(text, "{id}"),
            value => write!(text, "{}", literal(value)?),
        };
    }
    Some(text + close)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_values_are_in_hexadecimal() {
        let values = [
            "a'; DROP".into(),
            (-7_i64).into(),
            vec![1_i64, 2].into(),
            vec!["b\\".to_owned()].into(),
        ];
        assert_eq!(
            postgres_literals("SELECT $2, $1, unnest($3::bigint[]), $4, $2", &values).unwrap(),
            "SELECT '-7'::bigint, convert_from(decode('61273b2044524f50', 'hex'), 'UTF8'), \
             unnest('{1,2}'::bigint[]::bigint[]), \
             ARRAY[convert_from(decode('625c', 'hex'), 'UTF8')]::text[], '-7'::bigint"
        );
    }

    #[test]
    fn dollars_in_names_and_texts_are_no_placeholders() {
        let sql = "INSERT INTO \"a$1\" VALUES ($1, '$1') -- ☃ $1";
        let expected = "INSERT INTO \"a$1\" VALUES ('1'::bigint, '$1') -- ☃ '1'::bigint";
        assert_eq!(postgres_literals(sql, &[1_i64.into()]).unwrap(), expected);
    }

    #[test]
    fn long_statements_and_other_types_have_no_literals() {
        assert_eq!(postgres_literals("SELECT $1", &["x".repeat(MAX_LEN).into()]), None);
        assert_eq!(postgres_literals("SELECT $1", &[vec![i64::MAX; 5_000].into()]), None);
        assert_eq!(postgres_literals("SELECT $1", &[1.5_f64.into()]), None);
        assert_eq!(postgres_literals("SELECT $2", &[1_i64.into()]), None);
    }
}

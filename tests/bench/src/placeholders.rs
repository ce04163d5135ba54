//! The texts of hand-written statements. They are leaked, because sqlx takes literals only.

use user_streams_test_servers::harness::Engine;

/// The text with the placeholders of this database.
pub(crate) fn text(engine: Engine, sql: &str) -> &'static str {
    let sql = match engine {
        Engine::Postgres => sql.to_owned(),
        Engine::Mysql => {
            let mut parts = sql.split('$');
            let mut out = parts.next().unwrap_or_default().to_owned();
            for part in parts {
                let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
                // A `$` without a number is in a JSON path.
                out.push(if rest.len() < part.len() { '?' } else { '$' });
                out.push_str(rest);
            }
            out
        }
        _ => sql.replace('$', "?"),
    };
    sql.leak()
}

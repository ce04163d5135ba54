//! Disabling mechanisms of the SQL backends, which shows that the trials need them.

use anyhow::{Context, Result};
use user_streams_sql::fault::{MECHANISMS, take_out};

/// Disables the mechanisms of these names for the rest of the process.
pub(crate) fn disable(names: &[String]) -> Result<()> {
    for name in names {
        let known = MECHANISMS.iter().find(|(known, _)| known == name);
        let (_, mechanism) = known.with_context(|| {
            let known: Vec<_> = MECHANISMS.iter().map(|(known, _)| *known).collect();
            format!("unknown mechanism `{name}`; the mechanisms are: {}", known.join(", "))
        })?;
        take_out(*mechanism);
    }
    Ok(())
}

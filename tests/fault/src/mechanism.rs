//! Taking mechanisms of the SQL backends out.

use anyhow::{Context, Result};
use user_streams_sql::fault::{MECHANISMS, take_out as take};

/// Takes out those of these names, for the rest of the process.
pub(crate) fn take_out(names: &[String]) -> Result<()> {
    for name in names {
        let known = MECHANISMS.iter().find(|(known, _)| known == name);
        let (_, mechanism) = known.with_context(|| {
            let known: Vec<_> = MECHANISMS.iter().map(|(known, _)| *known).collect();
            format!("there is no mechanism `{name}`; they are: {}", known.join(", "))
        })?;
        take(*mechanism);
    }
    Ok(())
}

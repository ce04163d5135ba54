//! `backends`: which there are, and what the one of the settings can do.

use user_streams::backend::{BackendDriver, Capability, Registry};

use crate::{
    failure::{End, Failure},
    output::Output,
    session::Session,
    settings,
};

pub(super) async fn run(session: &Session) -> Result<(), Failure> {
    let mut output = Output::stdout();
    for driver in Registry::linked().drivers() {
        output.line(linked(driver))?;
    }
    output.flush()?;
    let settings = match settings::settings(session.flags()) {
        Ok(settings) => settings,
        // Without one there is nothing to be said of it.
        Err(failure) if failure.end == End::Usage && !session.flags().is_backend_named() => {
            return output.end();
        }
        Err(failure) => return Err(failure),
    };
    let capabilities = session.connect_to(settings).await?.capabilities();
    let (name, system) = (capabilities.backend(), capabilities.system());
    output
        .line(format_args!("\n{name} on {system}, ids of the kind {}", capabilities.user_id()))?;
    for capability in Capability::ALL {
        let has = if capabilities.has(*capability) { "yes" } else { "no" };
        output.line(format_args!("  {:<20}{has}", words(&format!("{capability:?}"))))?;
    }
    output.end()
}

fn linked(driver: &BackendDriver) -> String {
    let disabled = driver.disabled_schemes();
    let schemes: Vec<_> =
        driver.schemes().iter().filter(|scheme| !disabled.contains(scheme)).copied().collect();
    let (name, version) = (driver.name(), driver.crate_version());
    format!("{name} {version}  {}", schemes.join(", "))
}

/// `RepairStream` as `repair_stream`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push('_');
        }
        words.push(c.to_ascii_lowercase());
    }
    words
}

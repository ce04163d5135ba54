//! `migrate` and `ping`.

use std::time::Instant;

use crate::{failure::Failure, output, session::Session};

pub(super) async fn migrate(session: &Session) -> Result<(), Failure> {
    session.connect().await?.migrate().await?;
    output::result("migrated")
}

pub(super) async fn ping(session: &Session) -> Result<(), Failure> {
    let streams = session.connect().await?;
    let began = Instant::now();
    streams.ping().await?;
    output::result(format_args!(
        "{} answers after {:.1} ms",
        streams.capabilities().backend(),
        began.elapsed().as_secs_f64() * 1e3
    ))
}

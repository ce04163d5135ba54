//! To come.

use crate::{failure::Failure, flags::Export, session::Session};

pub(super) async fn run(_: &Export, _: &Session) -> Result<(), Failure> {
    Err(Failure::failed("to come"))
}

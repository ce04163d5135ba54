//! To come.

use crate::{failure::Failure, flags::Restore, session::Session};

pub(super) async fn run(_: &Restore, _: &Session) -> Result<(), Failure> {
    Err(Failure::failed("to come"))
}

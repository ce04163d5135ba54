//! How large an answer may be: one caller's page must not hold up the others on its connection.

/// The members in the answer to a plain command, whose lengths are not known before.
pub(super) const PLAIN_MEMBERS: u64 = 64;
/// What such an answer has at the most, if its members are as long as those read of late.
pub(super) const PLAIN_BYTES: usize = 1024 * 1024;
/// The bytes of the answer of a script, which stops at the member that reaches them.
pub(super) const BYTES: usize = 256 * 1024;
/// The members that a script reads at a time.
pub(super) const STEP: usize = 16;

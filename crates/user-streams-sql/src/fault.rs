//! Switches off single mechanisms for the project's own fault harness (`cargo xtask fault`), which
//! checks that its trials notice. Only with the feature `fault`, which is not covered by semver.

/// A mechanism that keeps a fault from doing harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mechanism {
    /// A lease that is not settled is closed. Without: it returns to the pool.
    Settle,
    /// The exchange of a dropped call continues for a moment. Without: it is cut at once.
    Grace,
    /// The pool connects in the background, and keeps unclaimed connections. Without: the caller
    /// connects.
    Connector,
    /// An idle connection is checked before it is used.
    Check,
    /// One dead connection discards every idle one.
    Discard,
    /// The server is made to end the statement of a connection that was closed under way.
    Release,
    /// One deadline bounds a whole call. Without: each statement has a timeout of its own.
    Deadline,
    /// A timeout for the next recipients while a transaction is open.
    Recipients,
    /// On an application's own pool an exchange runs to its end in a task. Without: it is cut.
    Task,
}

/// All of them, by their names on the command line.
pub const MECHANISMS: &[(&str, Mechanism)] = &[
    ("settle", Mechanism::Settle),
    ("grace", Mechanism::Grace),
    ("connector", Mechanism::Connector),
    ("check", Mechanism::Check),
    ("discard", Mechanism::Discard),
    ("release", Mechanism::Release),
    ("deadline", Mechanism::Deadline),
    ("recipients", Mechanism::Recipients),
    ("task", Mechanism::Task),
];

#[cfg(feature = "fault")]
static SWITCHED_OFF: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);

/// Switches a mechanism off, for the rest of the process.
#[cfg(feature = "fault")]
pub fn take_out(mechanism: Mechanism) {
    SWITCHED_OFF.fetch_or(1 << mechanism as u32, std::sync::atomic::Ordering::Relaxed);
}

#[cfg(feature = "fault")]
pub(crate) fn is_active(mechanism: Mechanism) -> bool {
    SWITCHED_OFF.load(std::sync::atomic::Ordering::Relaxed) & (1 << mechanism as u32) == 0
}

#[cfg(not(feature = "fault"))]
pub(crate) const fn is_active(_: Mechanism) -> bool {
    true
}

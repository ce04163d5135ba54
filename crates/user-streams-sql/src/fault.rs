//! Which mechanism the project's own fault harness (`cargo xtask fault`) has taken out, to see that
//! its trials notice. It can with the feature `fault` alone, which is for nobody else and not
//! covered by semver.

/// What keeps a fault from doing harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mechanism {
    /// A lease that is not settled is closed. Without: it goes back to the pool.
    Settle,
    /// What a dropped call had under way goes on for a moment. Without: it is cut at once.
    Grace,
    /// The pool connects, and keeps what nobody waits for any more. Without: the caller connects.
    Connector,
    /// A connection that has idled is checked before it is used.
    Check,
    /// One dead connection discards all that idle.
    Discard,
    /// The server is made to let go of what was closed under way.
    Release,
    /// One deadline bounds a whole call. Without: each statement has a limit of its own.
    Deadline,
    /// A limit for the next recipients while a transaction is open.
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
static TAKEN_OUT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);

/// Takes a mechanism out, for the rest of the process.
#[cfg(feature = "fault")]
pub fn take_out(mechanism: Mechanism) {
    TAKEN_OUT.fetch_or(1 << mechanism as u32, std::sync::atomic::Ordering::Relaxed);
}

#[cfg(feature = "fault")]
pub(crate) fn has(mechanism: Mechanism) -> bool {
    TAKEN_OUT.load(std::sync::atomic::Ordering::Relaxed) & (1 << mechanism as u32) == 0
}

#[cfg(not(feature = "fault"))]
pub(crate) const fn has(_: Mechanism) -> bool {
    true
}

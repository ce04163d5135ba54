//! What a case is.

use futures_util::future::BoxFuture;
use user_streams_core::{UserIdKind, backend::Capability};

use crate::{Namespace, driver::DriverTest};

/// One promise of the contract, as a test that fails when a backend breaks it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Case {
    /// `<topic>::<what holds>`.
    pub name: &'static str,
    /// The case is for backends that declare all of these.
    pub requires: &'static [Capability],
    /// The kinds of user ids it runs with.
    pub kinds: Kinds,
    /// The connections that it opens.
    pub connections: Connections,
    pub(crate) run: Run,
}

/// The kinds of user ids that a case runs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kinds {
    /// One kind is enough: the first that the backend has.
    First,
    /// Every kind that the backend has, as ids matter.
    Every,
    /// This kind alone.
    Only(UserIdKind),
}

/// The connections to one store that a case opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connections {
    /// None: it uses the one that all cases of a kind share.
    Shared,
    /// More, while the shared one is open.
    Several,
    /// One after another, while no other is open: the shared one is closed before.
    Successive,
}

/// What is run; a broken promise is a panic.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Run {
    Backend(fn(Namespace) -> BoxFuture<'static, ()>),
    Driver(fn(DriverTest) -> BoxFuture<'static, ()>),
}

/// The path of the topics.
const CASES: &str = concat!(env!("CARGO_CRATE_NAME"), "::cases::");

impl Case {
    /// Whether the case is of a driver, which [`Suite::for_driver`](crate::Suite::for_driver) has.
    pub fn needs_driver(&self) -> bool {
        matches!(self.run, Run::Driver(_))
    }

    /// Whether the case is to run with user ids of `kind`, for a backend whose first kind is
    /// `first`.
    pub fn runs_with(&self, kind: UserIdKind, first: UserIdKind) -> bool {
        match self.kinds {
            Kinds::First => kind == first,
            Kinds::Every => true,
            Kinds::Only(only) => kind == only,
        }
    }

    pub(crate) const fn new(
        path: &'static str,
        requires: &'static [Capability],
        kinds: &[Kinds],
        connections: &[Connections],
        run: Run,
    ) -> Self {
        // `path` begins with the path of the module `cases`, which is of no interest.
        let (_, name) = path.split_at(CASES.len());
        let kinds = match kinds {
            [] => Kinds::First,
            [kinds, ..] => *kinds,
        };
        let connections = match connections {
            [] => Connections::Shared,
            [connections, ..] => *connections,
        };
        Self { name, requires, kinds, connections, run }
    }
}

/// The list `CASES` of a topic. A case that is left out is dead code, which does not compile in
/// `cases`.
macro_rules! cases {
    (@$run:ident $(
        $case:ident
        $(over $connections:ident)?
        $(for $kinds:expr)?
        $(; requires $($capability:ident)+)?,
    )+) => {
        pub(super) const CASES: &[$crate::Case] = &[$($crate::Case::new(
            concat!(module_path!(), "::", stringify!($case)),
            &[$($(user_streams_core::backend::Capability::$capability),+)?],
            &[$($kinds)?],
            &[$($crate::Connections::$connections)?],
            $crate::case::Run::$run(|test| Box::pin($case(test))),
        )),+];
    };
    (of a driver: $($cases:tt)+) => { $crate::case::cases![@Driver $($cases)+]; };
    ($($cases:tt)+) => { $crate::case::cases![@Backend $($cases)+]; };
}
pub(crate) use cases;

//! What a case is.

use futures_util::future::BoxFuture;
use user_streams_core::{Capability, UserIdKind};

use crate::Namespace;

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
    /// Runs it; a broken promise is a panic.
    pub run: fn(Namespace) -> BoxFuture<'static, ()>,
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

impl Case {
    /// Every case of the suite, by topic.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        crate::cases::TOPICS.iter().copied().flatten()
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
        run: fn(Namespace) -> BoxFuture<'static, ()>,
    ) -> Self {
        // `path` begins with the path of `cases`, which is of no interest.
        let (_, name) = path.split_at(crate::cases::PATH.len() + "::".len());
        let kinds = match kinds {
            [] => Kinds::First,
            [kinds, ..] => *kinds,
        };
        Self { name, requires, kinds, run }
    }
}

/// The list `CASES` of a topic. A case that is left out is dead code, which does not compile in
/// `cases`.
macro_rules! cases {
    ($($case:ident $(for $kinds:expr)? $(; requires $($capability:ident)+)?,)+) => {
        pub(super) const CASES: &[$crate::Case] = &[$($crate::Case::new(
            concat!(module_path!(), "::", stringify!($case)),
            &[$($(user_streams_core::Capability::$capability),+)?],
            &[$($kinds)?],
            |namespace| Box::pin($case(namespace)),
        )),+];
    };
}
pub(crate) use cases;

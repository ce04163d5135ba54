//! Whom an item is for.

use std::fmt;

use user_streams_core::{Audience, audience, everyone};

use crate::history::Item;

/// How many teams there are; each user belongs to one.
pub(crate) const TEAMS: i64 = 3;

/// The team that a user belongs to.
pub(crate) fn team_of(user: i64) -> Group {
    Group::Team(user.rem_euclid(TEAMS))
}

/// Those whom an item is for.
#[derive(Clone, Debug)]
pub(crate) enum To {
    /// Users, who have a copy each.
    Users(Item),
    /// Audiences.
    Groups(Vec<Group>),
}

impl To {
    pub(crate) fn includes(&self, user: i64) -> bool {
        match self {
            Self::Users(item) => item.users().contains(&user),
            Self::Groups(groups) => groups.iter().any(|group| group.has(user)),
        }
    }
}

impl fmt::Display for To {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Users(item) => write!(formatter, "{} to {}", item.first, item.last),
            Self::Groups(groups) => {
                let streams: Vec<_> = groups.iter().map(|group| group.stream()).collect();
                formatter.write_str(&streams.join(" and "))
            }
        }
    }
}

/// An audience.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    Everyone,
    Team(i64),
}

impl Group {
    pub(crate) fn has(self, user: i64) -> bool {
        self == Self::Everyone || self == team_of(user)
    }

    pub(crate) fn audience(self) -> Audience {
        match self {
            Self::Everyone => everyone(),
            Self::Team(team) => audience(format_args!("team:{team}")),
        }
    }

    /// Whose stream has its items, as it is stored.
    pub(crate) fn stream(self) -> String {
        match self {
            Self::Everyone => "everyone".to_owned(),
            Self::Team(team) => format!("audience:team:{team}"),
        }
    }
}

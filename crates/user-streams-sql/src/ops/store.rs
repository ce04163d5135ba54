//! What every operation of a backend has at hand.

use sea_orm::Value;
use tokio::sync::OnceCell;
use user_streams_core::{Error, ErrorKind, NewItem, Result, UserId};

use super::{add_together::Group, identity::Identity};
use crate::{
    Dialect, Layout, Schema, SqlConfig,
    dialect::values,
    pool::{Limits, Pools},
    schema::Statements,
};

/// The most bytes of a content on MySQL, whose type for it is MEDIUMTEXT.
const MYSQL_CONTENT: usize = (1 << 24) - 1;
/// Bytes of a statement beside its content and its users' ids.
const OVERHEAD: usize = 1_024;

/// A backend's pools, tables and statements.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) pools: Pools,
    pub(crate) schema: Schema,
    pub(super) statements: Statements,
    pub(super) group: Option<Group>,
    pub(super) identity: OnceCell<Identity>,
    pub(super) backend: &'static str,
}

impl Store {
    pub(crate) fn new<L: Layout>(pools: Pools, config: &SqlConfig) -> Result<Self> {
        let schema = Schema::new::<L>(pools.dialect, config)?;
        Ok(Self {
            statements: Statements::new::<L>(&schema),
            group: Group::new::<L>(&pools, &schema),
            identity: OnceCell::new(),
            backend: L::NAME,
            pools,
            schema,
        })
    }

    pub(super) fn dialect(&self) -> Dialect {
        self.pools.dialect
    }

    /// The limits of a call of few statements.
    pub(super) fn call(&self) -> Limits {
        Limits::of_call(&self.pools.timeouts)
    }

    /// The limits of a broadcast.
    pub(super) fn broadcast(&self) -> Limits {
        Limits::of_broadcast(&self.pools.timeouts)
    }

    pub(super) fn user(&self, user: &UserId) -> Result<Value> {
        user.check(self.schema.user_id)?;
        Ok(values::user(self.dialect(), user))
    }

    /// `created_at_us, id`, and the content where it is in the same row.
    pub(super) fn item_values(&self, item: &NewItem) -> Vec<Value> {
        let mut values = item_key(item);
        if self.statements.items.is_none() {
            values.push(item.content().into());
        }
        values
    }

    /// Refuses a content that the column cannot hold, before anything is sent.
    pub(super) fn check_column(&self, item: &NewItem) -> Result<()> {
        let length = item.content().len();
        if self.dialect() == Dialect::MySql && length > MYSQL_CONTENT {
            return Err(too_long(length, &format!("the column's {MYSQL_CONTENT} bytes")));
        }
        Ok(())
    }
}

/// Refuses a content that the server does not take at once; returns the bytes that are left for
/// users' ids.
pub(super) fn room_for_users(max_packet: usize, item: &NewItem) -> Result<usize> {
    let length = item.content().len();
    max_packet.checked_sub(length + OVERHEAD).filter(|room| *room > OVERHEAD).ok_or_else(|| {
        too_long(
            length,
            &format!("what the server takes at once: `max_allowed_packet` is {max_packet}"),
        )
    })
}

fn too_long(length: usize, what: &str) -> Error {
    Error::new(
        ErrorKind::InvalidContent,
        format!("the content has {length} bytes, more than {what}"),
    )
}

/// `created_at_us, id`
pub(super) fn item_key(item: &NewItem) -> Vec<Value> {
    vec![item.created_at_us().into(), item.id().get().into()]
}

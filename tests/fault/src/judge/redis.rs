//! Redis and Redis Cluster, over bare sockets.

use anyhow::{Context, Result, bail};
use async_trait::async_trait;

use super::{
    Judge, Row, Session, Sessions, Stored,
    resp::{Reply, Resp},
    user,
};
use crate::stage::Place;

pub(super) struct Redis {
    place: Place,
}

impl Redis {
    pub(super) fn new(place: &Place) -> Self {
        Self { place: place.clone() }
    }

    /// A node's rows, if it is a master.
    async fn node(&self, address: &str, stored: &mut Stored) -> Result<()> {
        let mut resp = Resp::connect(address).await?;
        let Reply::Bytes(role) = resp.ask(&[b"INFO", b"replication"]).await? else {
            bail!("INFO is no text")
        };
        if !String::from_utf8_lossy(&role).contains("role:master") {
            return Ok(());
        }
        let stem = format!("{}:user:", self.place.table);
        let pattern = format!("{stem}*");
        let Reply::Array(keys) = resp.ask(&[b"KEYS", pattern.as_bytes()]).await? else {
            bail!("KEYS is no array")
        };
        for key in keys {
            let id =
                user(str::from_utf8(key.strip_prefix(stem.as_bytes()).context("the key's stem")?)?);
            let Reply::Array(members) = resp.ask(&[b"ZRANGE", &key, b"0", b"-1"]).await? else {
                bail!("ZRANGE is no array")
            };
            for member in members {
                stored.rows.push(row(id, &member)?);
            }
        }
        Ok(())
    }
}

/// A member is the timestamp with its sign bit flipped and the id, big-endian, then the content.
fn row(user: i64, member: &[u8]) -> Result<Row> {
    let (time, rest) = member.split_first_chunk().context("the time")?;
    let (id, content) = rest.split_first_chunk().context("the id")?;
    Ok(Row {
        user,
        created_at_us: (u64::from_be_bytes(*time) ^ 1 << 63).cast_signed(),
        id: i64::from_be_bytes(*id),
        content: Some(str::from_utf8(content)?.to_owned()),
    })
}

#[async_trait]
impl Judge for Redis {
    async fn stored(&self) -> Result<Stored> {
        let mut stored = Stored::default();
        for address in self.place.addresses()? {
            self.node(&address, &mut stored).await?;
        }
        Ok(stored)
    }

    async fn sessions(&self, _: bool) -> Result<Sessions> {
        Ok(Sessions::default())
    }

    async fn execute(&self, _: &str) -> Result<()> {
        bail!("Redis has no SQL")
    }

    async fn session(&self) -> Result<Box<dyn Session>> {
        bail!("Redis has no sessions with locks")
    }
}

//! Redis and Redis Cluster, on bare sockets.

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use user_streams_test_servers::harness::{
    member,
    resp::{Client, Reply},
};

use super::{Inspector, Row, Session, Sessions, Snapshot, user};
use crate::store::Store;

pub(super) struct Redis {
    store: Store,
}

impl Redis {
    pub(super) fn new(store: &Store) -> Self {
        Self { store: store.clone() }
    }

    /// Reads a node's rows, if it is a master.
    async fn node(&self, address: &str, snapshot: &mut Snapshot) -> Result<()> {
        let mut client = Client::connect(address).await?;
        let Reply::Bytes(role) = client.call(&[b"INFO", b"replication"]).await? else {
            bail!("INFO did not return a text")
        };
        if !String::from_utf8_lossy(&role).contains("role:master") {
            return Ok(());
        }
        let stem = format!("{}:stream:", self.store.table);
        let pattern = format!("{stem}*");
        let Reply::Array(keys) = client.call(&[b"KEYS", pattern.as_bytes()]).await? else {
            bail!("KEYS did not return an array")
        };
        for key in keys {
            let id = key.strip_prefix(stem.as_bytes()).context("a key of another pattern")?;
            let user = user(str::from_utf8(id)?);
            let Reply::Array(members) = client.call(&[b"ZRANGE", &key, b"0", b"-1"]).await? else {
                bail!("ZRANGE did not return an array")
            };
            for member in members {
                let (created_at_us, id, content) = member::decode(&member)?;
                snapshot.rows.push(Row { user, created_at_us, id, content: Some(content) });
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Inspector for Redis {
    async fn snapshot(&self) -> Result<Snapshot> {
        let mut snapshot = Snapshot::default();
        for address in self.store.addresses()? {
            self.node(&address, &mut snapshot).await?;
        }
        Ok(snapshot)
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

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
    async fn create_user(&self) -> Result<()> {
        for address in self.store.addresses()? {
            let mut client = Client::connect(&address).await?;
            let user = self.store.user.as_bytes();
            client
                .call(&[b"ACL", b"SETUSER", user, b"on", b"nopass", b"~*", b"&*", b"+@all"])
                .await?;
        }
        Ok(())
    }

    async fn snapshot(&self) -> Result<Snapshot> {
        let mut snapshot = Snapshot::default();
        for address in self.store.addresses()? {
            self.node(&address, &mut snapshot).await?;
        }
        Ok(snapshot)
    }

    /// Those of the login of [`Self::create_user`], where the library uses it. Redis has no busy
    /// ones: a command that runs keeps others from asking.
    async fn sessions(&self, _: bool) -> Result<Sessions> {
        let mut sessions = Sessions::default();
        let user = format!(" user={} ", self.store.user);
        for address in self.store.addresses()? {
            let mut client = Client::connect(&address).await?;
            let Reply::Bytes(list) = client.call(&[b"CLIENT", b"LIST"]).await? else {
                bail!("CLIENT LIST did not return a text")
            };
            let list = String::from_utf8_lossy(&list);
            sessions.all += list.lines().filter(|line| line.contains(&user)).count();
        }
        Ok(sessions)
    }

    async fn execute(&self, _: &str) -> Result<()> {
        bail!("Redis has no SQL")
    }

    async fn session(&self) -> Result<Box<dyn Session>> {
        bail!("Redis has no sessions with locks")
    }
}

//! Redis and Redis Cluster, on bare sockets.

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use user_streams_test_servers::harness::{
    member,
    resp::{Client, Reply},
};

use super::{FeedRow, Inspector, MarkRow, Session, Sessions, Snapshot, of_users, user};
use crate::store::Store;

pub(super) struct Redis {
    store: Store,
}

impl Redis {
    pub(super) fn new(store: &Store) -> Self {
        Self { store: store.clone() }
    }

    /// Reads a node's rows, of streams whose keys begin so.
    async fn node_rows(&self, client: &mut Client, stem: &str) -> Result<Vec<FeedRow>> {
        let mut rows = Vec::new();
        for key in keys(client, stem).await? {
            let id = key.strip_prefix(stem.as_bytes()).context("a key of another pattern")?;
            let stream = str::from_utf8(id)?;
            let Reply::Array(members) = client.call(&[b"ZRANGE", &key, b"0", b"-1"]).await? else {
                bail!("ZRANGE did not return an array")
            };
            for member in members {
                let (created_at_us, id, content) = member::decode(&member)?;
                let (stream, content) = (stream.to_owned(), Some(content));
                rows.push(FeedRow { stream, created_at_us, id, content });
            }
        }
        Ok(rows)
    }

    /// Reads a node's marks: a hash for each user, from the name to how a member begins.
    async fn node_marks(&self, client: &mut Client, marks: &mut Vec<MarkRow>) -> Result<()> {
        let stem = format!("{0}:mark:{{{0}:stream:", self.store.table);
        for key in keys(client, &stem).await? {
            let id = key.strip_prefix(stem.as_bytes()).and_then(|id| id.strip_suffix(b"}"));
            let user = user(str::from_utf8(id.context("a key of another pattern")?)?);
            let Reply::Array(fields) = client.call(&[b"HGETALL", &key]).await? else {
                bail!("HGETALL did not return an array")
            };
            let (fields, _) = fields.as_chunks();
            for [name, place] in fields {
                let (created_at_us, id, _) = member::decode(place)?;
                let name = str::from_utf8(name)?.to_owned();
                marks.push(MarkRow { user, name, created_at_us, id });
            }
        }
        Ok(())
    }

    /// A client of each master.
    async fn masters(&self) -> Result<Vec<Client>> {
        let mut masters = Vec::new();
        for address in self.store.addresses()? {
            let mut client = Client::connect(&address).await?;
            let Reply::Bytes(role) = client.call(&[b"INFO", b"replication"]).await? else {
                bail!("INFO did not return a text")
            };
            if String::from_utf8_lossy(&role).contains("role:master") {
                masters.push(client);
            }
        }
        Ok(masters)
    }
}

/// A node's keys that begin so.
async fn keys(client: &mut Client, stem: &str) -> Result<Vec<Vec<u8>>> {
    match client.call(&[b"KEYS", format!("{stem}*").as_bytes()]).await? {
        Reply::Array(keys) => Ok(keys),
        _ => bail!("KEYS did not return an array"),
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
        Ok(Snapshot { rows: of_users(self.rows(None).await?), ..Snapshot::default() })
    }

    async fn rows(&self, feed: Option<&str>) -> Result<Vec<FeedRow>> {
        let feed = feed.map(|feed| format!(":feed:{feed}")).unwrap_or_default();
        let stem = format!("{}{feed}:stream:", self.store.table);
        let mut rows = Vec::new();
        for mut master in self.masters().await? {
            rows.append(&mut self.node_rows(&mut master, &stem).await?);
        }
        Ok(rows)
    }

    async fn marks(&self) -> Result<Vec<MarkRow>> {
        let mut marks = Vec::new();
        for mut master in self.masters().await? {
            self.node_marks(&mut master, &mut marks).await?;
        }
        Ok(marks)
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

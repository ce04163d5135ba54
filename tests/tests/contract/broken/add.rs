//! How an add goes about it.

use std::{collections::HashSet, thread, time::Duration};

use tokio::{task::yield_now, time::sleep};
use user_streams_core::{
    Delivery, Error, ErrorKind, NewItem, Result, UserId,
    backend::{AddStreamItem, Backend},
};

use super::{backend::NAME, store::Store, twist::Adding};

const CHUNK: usize = 1_000;

impl Store {
    pub(super) async fn add(&self, args: AddStreamItem) -> Result<Delivery> {
        self.check()?;
        let (twist, (recipients, item, mut on_progress)) = (&self.twist, args.into_parts());
        let kind = self.memory.capabilities().user_id();
        let mut chunks = recipients.into_chunks(NAME, kind, CHUNK)?;
        if twist.adding == Adding::ContentFirst {
            self.keep_content(&item)?;
        }
        let (mut users, mut named, mut delivered) = (Vec::new(), 0, 0);
        loop {
            let mut chunk = match chunks.next().await {
                Ok(Some(chunk)) => chunk.users,
                Ok(None) => break,
                Err(_) if twist.adding == Adding::UpToAFailure => break,
                Err(error) => return Err(error),
            };
            named += chunk.len();
            match twist.adding {
                Adding::ChunkByChunk => delivered += self.deliver(&chunk, &item)?,
                Adding::AllButOneOfAChunk if chunk.len() == CHUNK => {
                    users.extend_from_slice(&chunk[1..]);
                }
                Adding::TwiceAcrossChunks => {
                    chunk.sort_unstable();
                    chunk.dedup();
                    users.append(&mut chunk);
                }
                _ => users.append(&mut chunk),
            }
        }
        delivered += self.add_to(users, &item).await?;
        let delivered = (twist.delivered)(named, delivered);
        if let Some(report) = &mut on_progress {
            (twist.progress)(report, delivered);
        }
        Ok(Delivery::new(item.cursor(), delivered))
    }

    async fn add_to(&self, mut users: Vec<UserId>, item: &NewItem) -> Result<u64> {
        match self.twist.adding {
            Adding::UpTo(most) => users.truncate(most),
            Adding::RefusesNone if users.is_empty() => {
                return Err(Error::new(ErrorKind::Recipients, "there are no recipients"));
            }
            Adding::InHalves => return self.add_in_halves(users, item, yield_now()).await,
            Adding::VisibleInParts => {
                let (store, item) = (self.clone(), item.clone());
                let parts = async move {
                    store.add_in_halves(users, &item, store.after_some_counts()).await
                };
                return tokio::spawn(parts).await.expect("no panic");
            }
            Adding::RowsAfterContent => {
                self.keep_content(item)?;
                yield_now().await;
                return self.store_rows(users, item);
            }
            Adding::ReadAndWriteBack => {
                let known = self.notes().users.clone();
                let before = known.into_iter().map(|user| Ok((self.places(&user)?, user)));
                let before = before.collect::<Result<Vec<_>>>()?;
                yield_now().await;
                let known = self.notes().users.clone();
                known.iter().try_for_each(|user| self.delete_but(user, &[]).map(drop))?;
                for (places, user) in before {
                    self.delete_but(&user, &places)?;
                }
            }
            Adding::LookAndStore | Adding::LookAndStoreAtOnce => {
                let mut missing = Vec::new();
                for user in users {
                    if !self.places(&user)?.contains(&item.cursor()) {
                        missing.push(user);
                    }
                }
                match self.twist.adding {
                    Adding::LookAndStore => yield_now().await,
                    _ => thread::yield_now(),
                }
                return self.store_each(&missing, item);
            }
            Adding::TwiceAcrossChunks | Adding::TwiceIfNamedTwice => {
                return self.store_each(&users, item);
            }
            Adding::Later => {
                let promised = users.iter().collect::<HashSet<_>>().len() as u64;
                let (store, item) = (self.clone(), item.clone());
                tokio::spawn(async move {
                    sleep(Duration::from_millis(20)).await;
                    store.deliver(&users, &item)
                });
                return Ok(promised);
            }
            _ => {}
        }
        self.deliver(&users, item)
    }

    pub(super) async fn add_after_the_first(&self, args: AddStreamItem) -> Result<Delivery> {
        let (ended, first) = (self.ended.notified(), self.locked.try_acquire());
        if first.is_err() {
            ended.await;
            return self.add(args).await;
        }
        // Who is dropped here tells nobody.
        for _ in 0..4 {
            yield_now().await;
        }
        drop(first);
        self.ended.notify_waiters();
        self.add(args).await
    }

    /// As long as a slow server takes: until a reader has looked at both halves, if there is one.
    async fn after_some_counts(&self) {
        let enough = self.notes().counts + 20;
        for _ in 0..100 {
            sleep(Duration::from_millis(1)).await;
            if self.notes().counts >= enough {
                return;
            }
        }
    }

    async fn add_in_halves(
        &self,
        users: Vec<UserId>,
        item: &NewItem,
        pause: impl Future<Output = ()>,
    ) -> Result<u64> {
        let (some, others) = users.split_at(users.len() / 2);
        let first = self.deliver(some, item)?;
        pause.await;
        Ok(first + self.deliver(others, item)?)
    }
}

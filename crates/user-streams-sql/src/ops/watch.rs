//! Hints of what is added, from the notifications of PostgreSQL.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};
use user_streams_core::{
    Error, ErrorKind, Name, Result,
    backend::{Hint, Hints},
};

use super::Store;
use crate::{
    error::{closed, from_db, from_sqlx},
    live::{Notice, Telling},
    pool::{Access, Executor, Pools, PostgresListener, runtime},
};

/// How many hints wait for a slow reader. Beyond it they end, and the reader reads again.
const MAX_PENDING: usize = 4_096;
/// How often sessions are compared.
const ROUNDS: u32 = 3;
/// How long a notification of our own may take where a pooler may lose it.
const PROBE: Duration = Duration::from_secs(1);

/// Hints of what is added from now on. `feeds` are those that this process has asked for.
pub(crate) async fn watch(
    store: &Arc<Store>,
    feeds: impl Fn() -> Vec<Name> + Send + 'static,
) -> Result<Hints> {
    let (Some(telling), Some(options)) = (&store.telling, store.pools.postgres_options()) else {
        return Err(Error::unsupported(store.backend, "watch"));
    };
    let runtime = runtime()?;
    let listener = PostgresListener::connect(options, &telling.channel).await;
    let mut listener = listener.map_err(from_sqlx)?;
    if !listener.has_own_session && is_shared(&mut listener, store).await? {
        return Err(not_heard(store.backend));
    }
    listener.listen().await.map_err(from_sqlx)?;
    if !listener.has_own_session && !is_heard(&mut listener, store, telling).await? {
        return Err(not_heard(store.backend));
    }
    let (sender, receiver) = mpsc::channel(MAX_PENDING);
    let reader = Reader { own: telling.feed.clone(), feeds, sender };
    let task = Task(runtime.spawn(run(listener, reader, store.pools.clone())));
    let hints = stream::unfold(Some((receiver, task)), |state| async move {
        let (mut receiver, mut task) = state?;
        if let Some(hint) = receiver.recv().await {
            return Some((Ok(hint), Some((receiver, task))));
        }
        let error = (&mut task.0).await.unwrap_or_else(|_| closed());
        Some((Err(error), None))
    });
    Ok(hints.boxed())
}

/// Whether a pooler gives each transaction another session, as far as the ids of sessions tell: it
/// then likely gives the next transaction of anyone the session of the last one. To listen in such
/// a session would send other clients what they do not expect.
async fn is_shared(listener: &mut PostgresListener, store: &Store) -> Result<bool> {
    let session = listener.session().await.map_err(from_sqlx)?;
    for _ in 0..ROUNDS {
        let ask = |mut executor: Box<dyn Executor>| async move {
            executor.query("SELECT pg_backend_pid()", Vec::new()).await
        };
        let rows = store.pools.run(Access::Read, store.call_limits(), ask).await?;
        let other = rows.first().map(|row| row.get::<i32>(0)).transpose();
        let is_same = other.map_err(from_db)? == Some(session);
        if is_same || listener.session().await.map_err(from_sqlx)? != session {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a notification of another connection arrives.
async fn is_heard(
    listener: &mut PostgresListener,
    store: &Store,
    telling: &Telling,
) -> Result<bool> {
    let probe = format!("{:032x}", fastrand::u128(..));
    let note = telling.probe(&probe);
    let tell = |mut executor: Box<dyn Executor>| async move { note.tell(&mut *executor).await };
    store.pools.run(Access::Write, store.call_limits(), tell).await?;
    let heard = async {
        while Notice::read(&listener.next().await?) != Notice::Probe(probe.clone()) {}
        Ok(())
    };
    let heard = timeout(PROBE, heard).await;
    if heard.is_err() {
        listener.unlisten().await.map_err(from_sqlx)?;
    }
    heard.map_or(Ok(false), |heard| heard.map(|()| true)).map_err(from_sqlx)
}

fn not_heard(backend: &'static str) -> Error {
    let message = "notifications do not arrive, as behind a pooler that gives each transaction \
        another session, such as PgBouncer with `pool_mode = transaction`: connect to the server \
        itself, or to a pooler of sessions, for what comes to be told at once";
    Error::new(ErrorKind::Unsupported, message).with_backend(backend).with_operation("watch")
}

/// The task that listens; it ends with the hints.
struct Task(JoinHandle<Error>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Reads notifications as hints.
struct Reader<F> {
    /// The feed whose hints alone are wanted, as those of its main streams.
    own: Option<Name>,
    feeds: F,
    sender: mpsc::Sender<Hint>,
}

/// Passes on notifications until they end, and returns why.
async fn run(
    mut listener: PostgresListener,
    reader: Reader<impl Fn() -> Vec<Name>>,
    pools: Pools,
) -> Error {
    loop {
        let text = tokio::select! {
            text = listener.next() => text,
            () = pools.closed() => return closed(),
        };
        match text {
            Ok(text) => {
                if let Err(error) = reader.pass_on(&text) {
                    return error;
                }
            }
            Err(error) => return from_sqlx(error),
        }
    }
}

impl<F: Fn() -> Vec<Name>> Reader<F> {
    fn pass_on(&self, text: &str) -> Result<()> {
        self.hints(text).into_iter().try_for_each(|hint| {
            self.sender.try_send(hint).map_err(|_| {
                let message = format!("{MAX_PENDING} notifications came faster than they are read");
                Error::new(ErrorKind::Overloaded, message)
            })
        })
    }

    fn hints(&self, text: &str) -> Vec<Hint> {
        let hints = match Notice::read(text) {
            Notice::Probe(_) => Vec::new(),
            Notice::Hint(hint) => vec![hint],
            // It may be of any.
            Notice::Unknown if self.own.is_some() => vec![Hint::new(self.own.clone())],
            Notice::Unknown => {
                let feeds = (self.feeds)().into_iter().map(Some);
                [None].into_iter().chain(feeds).map(Hint::new).collect()
            }
        };
        if self.own.is_none() {
            return hints;
        }
        let mut hints = hints;
        hints.retain(|hint| hint.feed == self.own);
        hints.iter_mut().for_each(|hint| hint.feed = None);
        hints
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(own: Option<&str>) -> (Reader<impl Fn() -> Vec<Name>>, mpsc::Receiver<Hint>) {
        let (sender, receiver) = mpsc::channel(3);
        let own = own.map(|name| name.parse().unwrap());
        let feeds = || vec!["news".parse().unwrap(), "tips".parse().unwrap()];
        (Reader { own, feeds, sender }, receiver)
    }

    fn feeds(own: Option<&str>, text: &str) -> Vec<Option<String>> {
        let hints = reader(own).0.hints(text).into_iter();
        hints.map(|hint| hint.feed.map(|feed| feed.to_string())).collect()
    }

    #[test]
    fn what_cannot_be_read_may_be_of_any_feed() {
        let named = |name: &str| Some(name.to_owned());
        assert_eq!(feeds(None, "?"), [None, named("news"), named("tips")]);
        assert_eq!(feeds(Some("news"), "?"), [None]);
    }

    #[test]
    fn a_feed_hears_what_is_its_own() {
        assert_eq!(feeds(Some("news"), r#"{"v":1,"f":"news"}"#), [None]);
        for other in [r#"{"v":1,"f":"tips"}"#, r#"{"v":1}"#, r#"{"p":"probe"}"#] {
            assert!(feeds(Some("news"), other).is_empty(), "{other}");
        }
    }

    #[test]
    fn more_than_are_read_end_it() {
        let (reader, _receiver) = reader(None);
        for _ in 0..3 {
            reader.pass_on(r#"{"v":1}"#).unwrap();
        }
        assert_eq!(reader.pass_on(r#"{"v":1}"#).unwrap_err().kind(), ErrorKind::Overloaded);
    }
}

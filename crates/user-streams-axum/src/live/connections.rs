//! Who has streams of events open.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;
use user_streams_core::UserId;

/// The streams of events that are open in this process, by user.
pub(crate) struct Connections {
    per_user: usize,
    users: Mutex<HashMap<UserId, Open>>,
}

struct Open {
    connections: usize,
    /// Changes whenever this user marks or dismisses something.
    changes: watch::Sender<()>,
}

impl Connections {
    pub(crate) fn new(per_user: usize) -> Arc<Self> {
        Arc::new(Self { per_user, users: Mutex::default() })
    }

    /// A place for one more, which is given back when it is dropped; `None` if the user has as many
    /// as there may be.
    pub(crate) fn open(self: &Arc<Self>, user: &UserId) -> Option<Connection> {
        let mut users = self.users();
        let open = users.get(user).map_or(0, |open| open.connections);
        if open >= self.per_user {
            return None;
        }
        let open = users
            .entry(user.clone())
            .or_insert_with(|| Open { connections: 0, changes: watch::Sender::new(()) });
        open.connections += 1;
        let changes = open.changes.subscribe();
        Some(Connection { connections: Arc::clone(self), user: user.clone(), changes })
    }

    /// Tells all streams of events of a user that something has been marked or dismissed.
    pub(crate) fn tell(&self, user: &UserId) {
        if let Some(open) = self.users().get(user) {
            open.changes.send_replace(());
        }
    }

    fn close(&self, user: &UserId) {
        let mut users = self.users();
        if let Some(open) = users.get_mut(user) {
            open.connections -= 1;
            if open.connections == 0 {
                users.remove(user);
            }
        }
    }

    fn users(&self) -> MutexGuard<'_, HashMap<UserId, Open>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream of events that is open.
pub(crate) struct Connection {
    connections: Arc<Connections>,
    user: UserId,
    changes: watch::Receiver<()>,
}

impl Connection {
    /// Waits until something has been marked or dismissed since the last time. Several changes may
    /// be told as one.
    pub(crate) async fn changed(&mut self) {
        // The sender lives as long as this is open.
        if self.changes.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.connections.close(&self.user);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_user_has_so_many_and_a_dropped_one_is_free_again() {
        let connections = Connections::new(2);
        let (one, other) = (UserId::Int(1), UserId::Int(2));
        let first = connections.open(&one);
        let second = connections.open(&one);
        assert!(first.is_some() && second.is_some());
        assert!(connections.open(&one).is_none());
        assert!(connections.open(&other).is_some());
        drop(first);
        assert!(connections.open(&one).is_some());
        drop(second);
        assert!(connections.users().is_empty());
    }

    #[test]
    fn a_change_reaches_every_stream_of_the_user_and_no_other() {
        let connections = Connections::new(2);
        let user = UserId::Int(1);
        let mut streams = [connections.open(&user).unwrap(), connections.open(&user).unwrap()];
        let mut other = connections.open(&UserId::Int(2)).unwrap();
        connections.tell(&user);
        connections.tell(&user);
        for stream in &mut streams {
            assert!(stream.changed().now_or_never().is_some());
            assert!(stream.changed().now_or_never().is_none());
        }
        assert!(other.changed().now_or_never().is_none());
    }

    #[test]
    fn without_room_for_any_there_is_none() {
        let connections = Connections::new(0);
        assert!(connections.open(&UserId::Int(1)).is_none());
        assert!(connections.users().is_empty());
    }
}

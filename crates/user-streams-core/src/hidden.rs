//! What is hidden: what one user has dismissed, and what is retracted for all.

use crate::{
    Cursor, Error, ErrorKind, NewItem, Recipients, Result, UserId, audience,
    backend::{AddStreamItem, Backend, RemoveStreamItem},
    feeds::Store,
    handle::Handle,
    observe::Operation,
};

/// From whom.
pub(crate) enum Hidden {
    Dismissed(UserId),
    Retracted,
}

impl Hidden {
    /// The call that hides an item, or undoes that.
    pub(crate) fn operation(&self, is_hidden: bool) -> Operation {
        match (self, is_hidden) {
            (Self::Dismissed(_), true) => Operation::Dismiss,
            (Self::Dismissed(_), false) => Operation::Undismiss,
            (Self::Retracted, true) => Operation::Retract,
            (Self::Retracted, false) => Operation::Unretract,
        }
    }

    /// Hides an item, or undoes that, and returns whether that has changed anything.
    pub(crate) async fn change(
        self,
        handle: &Handle,
        item: Cursor,
        is_hidden: bool,
    ) -> Result<bool> {
        let mut call = handle.call(self.operation(is_hidden));
        if let Self::Dismissed(user) = &self {
            call = call.of(user);
        }
        let changed = async {
            if is_hidden {
                let (backend, add) = self.add(handle, item)?;
                return Ok(backend.add_stream_item(add).await?.delivered > 0);
            }
            let (backend, remove) = self.remove(handle, item)?;
            Ok(backend.remove_stream_item(remove).await? > 0)
        };
        call.run(changed).await
    }

    /// What hides an item, and in which backend.
    pub(crate) fn add(
        self,
        handle: &Handle,
        item: Cursor,
    ) -> Result<(&dyn Backend, AddStreamItem)> {
        let (store, recipients) = self.streams(handle)?;
        Ok((store.backend(), AddStreamItem::new(recipients, NewItem::at(item, ""))?))
    }

    /// What undoes that.
    pub(crate) fn remove(
        self,
        handle: &Handle,
        item: Cursor,
    ) -> Result<(&dyn Backend, RemoveStreamItem)> {
        let (store, recipients) = self.streams(handle)?;
        Ok((store.backend(), RemoveStreamItem::new(recipients, item)))
    }

    fn streams(self, handle: &Handle) -> Result<(&Store, Recipients)> {
        let feed = handle.feeds.main();
        match self {
            Self::Dismissed(user) => {
                let store = feed.dismissed().ok_or_else(|| off("dismissed", "dismissals"))?;
                handle.check(&user)?;
                Ok((store, Recipients::users(vec![user])))
            }
            Self::Retracted => {
                let store = feed.retracted().ok_or_else(|| off("retracted", "retractions"))?;
                let copies = store.backend().capabilities().copies();
                Ok((store, Recipients::users(audience::retracted().copies(copies).collect())))
            }
        }
    }
}

fn off(done: &str, setting: &str) -> Error {
    let message = format!("items can be {done} if the setting `{setting}` is true");
    Error::new(ErrorKind::Unsupported, message)
}

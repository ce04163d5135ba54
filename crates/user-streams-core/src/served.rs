//! Where recipients are served: users in their own streams, audiences in theirs.

use crate::{
    Audience, Delivery, Error, ErrorKind, Recipients, Result,
    backend::{Backend, Hint},
    feeds::Store,
    handle::Handle,
};

/// Recipients and the backend that has their streams.
#[derive(Debug)]
pub(crate) struct Served<'a> {
    store: &'a Store,
    pub(crate) recipients: Recipients,
    /// How many streams have an item of one recipient.
    pub(crate) copies: u8,
}

impl<'a> Served<'a> {
    /// Checks the ids that are at hand, before any I/O.
    pub(crate) fn new(handle: &'a Handle, recipients: Recipients) -> Result<Self> {
        let store = &handle.feeds.main().store;
        let Some(audiences) = recipients.as_audiences() else {
            recipients.check(store.backend().capabilities().user_id())?;
            return Ok(Self { store, recipients, copies: 1 });
        };
        let Some(store) = handle.feeds.main().audiences() else { return Err(off()) };
        audiences.iter().try_for_each(Audience::check)?;
        let copies = store.backend().capabilities().copies();
        let streams = audiences.iter().flat_map(|audience| audience.copies(copies)).collect();
        Ok(Self { store, recipients: Recipients::users(streams), copies })
    }

    pub(crate) fn backend(&self) -> &'a dyn Backend {
        self.store.backend()
    }

    /// What those who have subscribed in this process are to be told after an add.
    pub(crate) fn hint(&self, handle: &Handle) -> Option<Hint> {
        handle.live.wants(self.store.name.as_ref(), self.recipients.known())
    }
}

/// How many recipients that is, of whom each has so many streams.
pub(crate) fn recipients(streams: u64, copies: u8) -> u64 {
    streams.div_ceil(copies.max(1).into())
}

/// A delivery in which each recipient counts once.
pub(crate) fn delivery(of_streams: Delivery, copies: u8) -> Delivery {
    Delivery::new(of_streams.item, recipients(of_streams.delivered, copies))
}

/// Audiences are asked for without the setting.
pub(crate) fn off() -> Error {
    let message = "everyone and other audiences can be served and read if the setting `audiences` \
                   is true";
    Error::new(ErrorKind::Unsupported, message)
}

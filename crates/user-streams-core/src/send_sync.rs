//! What may go from thread to thread: everything, and what is shared may be used from several.

use crate::{
    Add, CursorPage, CursorPageRequest, Delivery, Error, InTransaction, NewItem, Page, Paginator,
    Recipients, Settings, StreamItem, StreamItems, Streams, UserId,
    backend::{
        AddStreamItem, Backend, BackendDriver, ConnectArgs, ConnectionMetrics, OpenConnection,
        Options, RecipientChunks, Registry, StreamQuery, UsedConnection, WaitLimit, WaitingCall,
    },
};

const fn send<T: Send + ?Sized>() {}
const fn send_and_sync<T: Send + Sync + ?Sized>() {}

const _: () = {
    send::<Add<'static>>();
    send::<AddStreamItem>();
    send::<Recipients>();
    send::<RecipientChunks>();
    send_and_sync::<InTransaction<'static>>();
    send_and_sync::<dyn Backend>();
    send_and_sync::<BackendDriver>();
    send_and_sync::<ConnectArgs>();
    send_and_sync::<ConnectionMetrics>();
    send_and_sync::<OpenConnection>();
    send_and_sync::<UsedConnection>();
    send_and_sync::<WaitingCall>();
    send_and_sync::<CursorPage>();
    send_and_sync::<CursorPageRequest>();
    send_and_sync::<Delivery>();
    send_and_sync::<Error>();
    send_and_sync::<NewItem>();
    send_and_sync::<Options>();
    send_and_sync::<Page>();
    send_and_sync::<Paginator>();
    send_and_sync::<Registry>();
    send_and_sync::<Settings>();
    send_and_sync::<StreamItem>();
    send_and_sync::<StreamItems>();
    send_and_sync::<StreamQuery>();
    send_and_sync::<Streams>();
    send_and_sync::<UserId>();
    send_and_sync::<WaitLimit>();
};

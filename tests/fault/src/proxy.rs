//! A TCP proxy between the library and its server, which can hold, delay, cut and lose what passes.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep, sleep_until},
};

use crate::ledger::lock;

/// How long a connection whose answers are lost stays open.
const LOST: Duration = Duration::from_millis(30);

/// What happens to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Bytes pass.
    Flow,
    /// Bytes are held in both directions. The client's close reaches the server, or it does not.
    Stalled { closes: bool },
    /// Both sides are closed; with a reset, or in good order.
    Cut { reset: bool },
}

/// A listening proxy. Dropping it closes everything.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    server: SocketAddr,
    accepted: AtomicU64,
    fates: Mutex<HashMap<u64, watch::Sender<Fate>>>,
    /// The fate that a new connection begins with.
    first: Mutex<Fate>,
    delay: Mutex<Duration>,
    slow_connect: Mutex<Duration>,
    loss: Mutex<Option<Loss>>,
}

/// Whose answers are lost: after a packet of the client with these bytes in it, with a chance of
/// one in `one_in`.
#[derive(Clone, Copy, Debug)]
struct Loss {
    after: &'static [u8],
    one_in: u32,
}

impl Proxy {
    /// Listens on a free port for connections to this server.
    pub(crate) async fn listen(server: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            server,
            accepted: AtomicU64::new(0),
            fates: Mutex::default(),
            first: Mutex::new(Fate::Flow),
            delay: Mutex::default(),
            slow_connect: Mutex::default(),
            loss: Mutex::default(),
        });
        let accepting = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let state = Arc::clone(&accepting);
                let id = state.accepted.fetch_add(1, Ordering::Relaxed);
                let (fate, receiver) = watch::channel(*lock(&state.first));
                lock(&state.fates).insert(id, fate);
                tokio::spawn(async move {
                    state.connection(client, receiver).await;
                    lock(&state.fates).remove(&id);
                });
            }
        });
        Ok(Self { address, state, task })
    }

    /// How many connections it has accepted.
    pub(crate) fn accepted(&self) -> u64 {
        self.state.accepted.load(Ordering::Relaxed)
    }

    /// Gives the connections that are open now a fate.
    pub(crate) fn set(&self, fate: Fate) {
        self.set_some(fate, || true);
    }

    /// Gives some of the connections that are open now a fate.
    pub(crate) fn set_some(&self, fate: Fate, mut chosen: impl FnMut() -> bool) {
        for sender in lock(&self.state.fates).values() {
            if chosen() {
                sender.send_replace(fate);
            }
        }
    }

    /// The fate that new connections begin with.
    pub(crate) fn set_new(&self, fate: Fate) {
        *lock(&self.state.first) = fate;
    }

    /// Each packet arrives so much later.
    pub(crate) fn set_delay(&self, delay: Duration) {
        *lock(&self.state.delay) = delay;
    }

    /// A new connection is accepted, and reaches the server so much later.
    pub(crate) fn set_slow_connect(&self, delay: Duration) {
        *lock(&self.state.slow_connect) = delay;
    }

    /// Loses answers to packets with these bytes in them.
    pub(crate) fn lose_answers(&self, after: &'static [u8], one_in: u32) {
        *lock(&self.state.loss) = Some(Loss { after, one_in });
    }

    /// Lets everything pass again.
    pub(crate) fn heal(&self) {
        self.set_new(Fate::Flow);
        self.set_delay(Duration::ZERO);
        self.set_slow_connect(Duration::ZERO);
        *lock(&self.state.loss) = None;
        for sender in lock(&self.state.fates).values() {
            sender.send_if_modified(|fate| {
                let stalled = matches!(fate, Fate::Stalled { .. });
                if stalled {
                    *fate = Fate::Flow;
                }
                stalled
            });
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.set(Fate::Cut { reset: false });
    }
}

impl State {
    async fn connection(&self, client: TcpStream, fate: watch::Receiver<Fate>) {
        let slow = *lock(&self.slow_connect);
        if !slow.is_zero() {
            sleep(slow).await;
        }
        let Ok(server) = TcpStream::connect(self.server).await else { return };
        _ = client.set_nodelay(true);
        _ = server.set_nodelay(true);
        let (client_in, client_out) = client.into_split();
        let (server_in, server_out) = server.into_split();
        let mute = AtomicBool::new(false);
        let up = self.pump(client_in, server_out, fate.clone(), &mute, true);
        let down = self.pump(server_in, client_out, fate.clone(), &mute, false);
        let mut cut = fate;
        tokio::select! {
            () = up => {}
            () = down => {}
            _ = cut.wait_for(|fate| matches!(fate, Fate::Cut { .. })) => {}
        }
    }

    /// Passes on what comes in, until either side closes.
    async fn pump(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        fate: watch::Receiver<Fate>,
        mute: &AtomicBool,
        is_client: bool,
    ) {
        let (sender, mut receiver) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
        let mut held = fate.clone();
        let read = async {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(length @ 1..) = from.read(&mut buffer).await {
                let bytes = &buffer[..length];
                if is_client && self.loses(bytes) {
                    mute.store(true, Ordering::Relaxed);
                }
                let due = Instant::now() + *lock(&self.delay);
                if sender.send((due, bytes.to_vec())).is_err() {
                    break;
                }
            }
            // Nothing of a stalled connection arrives, but for its close.
            if *fate.borrow() == (Fate::Stalled { closes: false }) {
                _ = fate.clone().wait_for(|fate| *fate != Fate::Stalled { closes: false }).await;
            }
            drop(sender);
            is_stalled(*fate.borrow())
        };
        let write = async {
            while let Some((due, bytes)) = receiver.recv().await {
                sleep_until(due).await;
                if held.wait_for(|fate| !is_stalled(*fate)).await.is_err() {
                    return;
                }
                if !is_client && mute.load(Ordering::Relaxed) {
                    sleep(LOST).await;
                    return;
                }
                if to.write_all(&bytes).await.is_err() {
                    return;
                }
            }
        };
        // What had been read before the end still arrives, unless it is held.
        tokio::pin!(write);
        tokio::select! {
            stalled = read => if !stalled { write.await },
            () = &mut write => {}
        }
    }

    fn loses(&self, bytes: &[u8]) -> bool {
        let Some(loss) = *lock(&self.loss) else { return false };
        let has = loss.after.is_empty()
            || bytes.windows(loss.after.len()).any(|window| window == loss.after);
        has && fastrand::u32(..loss.one_in) == 0
    }
}

fn is_stalled(fate: Fate) -> bool {
    matches!(fate, Fate::Stalled { .. })
}

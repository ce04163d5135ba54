//! A TCP proxy between the library and its server, which can stall, delay, close and drop answers.

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
        tcp::{ReadHalf, WriteHalf},
    },
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep, sleep_until},
};

use crate::sync::lock;

/// How long a connection stays open after an answer was dropped.
const OPEN_AFTER_DROP: Duration = Duration::from_millis(30);

/// What the proxy does with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It forwards bytes.
    Forward,
    /// It holds bytes back in both directions, and forwards the client's close or not.
    Stall { forwards_close: bool },
    /// It closes both sides, with a TCP reset or without.
    Close { reset: bool },
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
    modes: Mutex<HashMap<u64, watch::Sender<Mode>>>,
    /// The mode of new connections.
    new_mode: Mutex<Mode>,
    delay: Mutex<Duration>,
    connect_delay: Mutex<Duration>,
    dropped_answers: Mutex<Option<DroppedAnswers>>,
}

/// Which answers are dropped: those to a packet that contains these bytes, with a probability of
/// one in `one_in`.
#[derive(Clone, Copy, Debug)]
struct DroppedAnswers {
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
            modes: Mutex::default(),
            new_mode: Mutex::new(Mode::Forward),
            delay: Mutex::default(),
            connect_delay: Mutex::default(),
            dropped_answers: Mutex::default(),
        });
        let accepting = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let state = Arc::clone(&accepting);
                let id = state.accepted.fetch_add(1, Ordering::Relaxed);
                let (mode, receiver) = watch::channel(*lock(&state.new_mode));
                lock(&state.modes).insert(id, mode);
                tokio::spawn(async move {
                    state.connection(client, receiver).await;
                    lock(&state.modes).remove(&id);
                });
            }
        });
        Ok(Self { address, state, task })
    }

    /// How many connections it has accepted.
    pub(crate) fn accepted(&self) -> u64 {
        self.state.accepted.load(Ordering::Relaxed)
    }

    /// Sets the mode of the open connections.
    pub(crate) fn set(&self, mode: Mode) {
        self.set_some(mode, || true);
    }

    /// Sets the mode of some open connections.
    pub(crate) fn set_some(&self, mode: Mode, mut is_chosen: impl FnMut() -> bool) {
        for sender in lock(&self.state.modes).values() {
            if is_chosen() {
                sender.send_replace(mode);
            }
        }
    }

    /// Sets the mode of new connections.
    pub(crate) fn set_new(&self, mode: Mode) {
        *lock(&self.state.new_mode) = mode;
    }

    /// Delays each packet.
    pub(crate) fn set_delay(&self, delay: Duration) {
        *lock(&self.state.delay) = delay;
    }

    /// Delays new connections: they are accepted, and reach the server later.
    pub(crate) fn set_connect_delay(&self, delay: Duration) {
        *lock(&self.state.connect_delay) = delay;
    }

    /// Drops the answers to packets that contain these bytes, and closes the connection.
    pub(crate) fn drop_answers(&self, after: &'static [u8], one_in: u32) {
        *lock(&self.state.dropped_answers) = Some(DroppedAnswers { after, one_in });
    }

    /// Forwards everything again.
    pub(crate) fn heal(&self) {
        self.set_new(Mode::Forward);
        self.set_delay(Duration::ZERO);
        self.set_connect_delay(Duration::ZERO);
        *lock(&self.state.dropped_answers) = None;
        for sender in lock(&self.state.modes).values() {
            sender.send_if_modified(|mode| {
                let stalled = matches!(mode, Mode::Stall { .. });
                if stalled {
                    *mode = Mode::Forward;
                }
                stalled
            });
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.set(Mode::Close { reset: false });
    }
}

impl State {
    async fn connection(&self, mut client: TcpStream, mode: watch::Receiver<Mode>) {
        let delay = *lock(&self.connect_delay);
        if !delay.is_zero() {
            sleep(delay).await;
        }
        let Ok(mut server) = TcpStream::connect(self.server).await else { return };
        _ = client.set_nodelay(true);
        _ = server.set_nodelay(true);
        let (client_in, client_out) = client.split();
        let (server_in, server_out) = server.split();
        let drops_answers = AtomicBool::new(false);
        let up = self.pump(client_in, server_out, mode.clone(), &drops_answers, true);
        let down = self.pump(server_in, client_out, mode.clone(), &drops_answers, false);
        let mut closed = mode;
        let is_reset = tokio::select! {
            () = up => false,
            () = down => false,
            mode = closed.wait_for(|mode| matches!(mode, Mode::Close { .. })) => {
                mode.is_ok_and(|mode| *mode == Mode::Close { reset: true })
            }
        };
        if is_reset {
            _ = client.set_zero_linger();
            _ = server.set_zero_linger();
        }
    }

    /// Forwards one direction until either side closes.
    async fn pump(
        &self,
        mut from: ReadHalf<'_>,
        mut to: WriteHalf<'_>,
        mode: watch::Receiver<Mode>,
        drops_answers: &AtomicBool,
        is_client: bool,
    ) {
        let (sender, mut receiver) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
        let mut held = mode.clone();
        let read = async {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(length @ 1..) = from.read(&mut buffer).await {
                let bytes = &buffer[..length];
                if is_client && self.drops_answer_to(bytes) {
                    drops_answers.store(true, Ordering::Relaxed);
                }
                let due = Instant::now() + *lock(&self.delay);
                if sender.send((due, bytes.to_vec())).is_err() {
                    break;
                }
            }
            // Of a stalled connection at most the close is forwarded.
            let holds_close = |mode: &Mode| *mode == Mode::Stall { forwards_close: false };
            if holds_close(&mode.borrow()) {
                _ = mode.clone().wait_for(|mode| !holds_close(mode)).await;
            }
            drop(sender);
            is_stalled(*mode.borrow())
        };
        let write = async {
            while let Some((due, bytes)) = receiver.recv().await {
                sleep_until(due).await;
                if held.wait_for(|mode| !is_stalled(*mode)).await.is_err() {
                    return;
                }
                if !is_client && drops_answers.load(Ordering::Relaxed) {
                    sleep(OPEN_AFTER_DROP).await;
                    return;
                }
                if to.write_all(&bytes).await.is_err() {
                    return;
                }
            }
        };
        // What was read before the end is still forwarded, unless the connection stalls.
        tokio::pin!(write);
        tokio::select! {
            stalled = read => if !stalled { write.await },
            () = &mut write => {}
        }
    }

    fn drops_answer_to(&self, bytes: &[u8]) -> bool {
        let Some(dropped) = *lock(&self.dropped_answers) else { return false };
        let matches = dropped.after.is_empty()
            || bytes.windows(dropped.after.len()).any(|window| window == dropped.after);
        matches && fastrand::u32(..dropped.one_in) == 0
    }
}

fn is_stalled(mode: Mode) -> bool {
    matches!(mode, Mode::Stall { .. })
}

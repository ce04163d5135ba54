//! A TCP proxy in front of a server, which holds bytes back, delays them and cuts connections.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::AbortHandle,
    time::sleep,
};

/// Closes all its connections when it is dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    scheme: String,
    login: String,
    database: String,
    control: Arc<Control>,
    accepting: AbortHandle,
}

/// What is held back on a connection, until the next release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    Nothing,
    /// Only what the server sends.
    Answers,
    /// Both directions, as on a network that loses every packet.
    Everything,
}

struct Control {
    /// The text of a client that triggers the hold of its connection, once.
    trigger: Mutex<Option<(Vec<u8>, Hold)>>,
    /// What is held on every connection.
    all: watch::Sender<Hold>,
    /// How many connections a trigger has held.
    held: watch::Sender<u32>,
    /// How often connections were released.
    releases: watch::Sender<u32>,
    /// How often all connections were cut.
    cuts: watch::Sender<u32>,
    delay: watch::Sender<Duration>,
}

impl Proxy {
    /// In front of the server of this database URL.
    pub(crate) async fn before(url: &str) -> Self {
        let (scheme, rest) = url.split_once("://").unwrap();
        let (authority, database) = rest.split_once('/').unwrap();
        let (login, server) = authority.rsplit_once('@').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let control = Arc::new(Control {
            trigger: Mutex::default(),
            all: watch::Sender::new(Hold::Nothing),
            held: watch::Sender::new(0),
            releases: watch::Sender::new(0),
            cuts: watch::Sender::new(0),
            delay: watch::Sender::new(Duration::ZERO),
        });
        let address = listener.local_addr().unwrap();
        let accepting = tokio::spawn(accept(listener, server.to_owned(), Arc::clone(&control)));
        Self {
            address,
            scheme: scheme.to_owned(),
            login: login.to_owned(),
            database: database.to_owned(),
            control,
            accepting: accepting.abort_handle(),
        }
    }

    /// The database URL through the proxy, without TLS, so that the proxy can read the text.
    pub(crate) fn url(&self) -> String {
        let plain = if self.scheme == "mysql" { "ssl-mode=disabled" } else { "sslmode=disable" };
        let Self { address, scheme, login, database, .. } = self;
        format!("{scheme}://{login}@{address}/{database}?{plain}")
    }

    /// Holds the answers on the one connection on which the client sends this text next.
    pub(crate) fn hold_answers_to(&self, text: impl AsRef<[u8]>) {
        self.arm(text, Hold::Answers);
    }

    /// Stalls the one connection on which the client sends this text next; it does not arrive.
    pub(crate) fn stall_at(&self, text: impl AsRef<[u8]>) {
        self.arm(text, Hold::Everything);
    }

    fn arm(&self, text: impl AsRef<[u8]>, hold: Hold) {
        self.control.held.send_replace(0);
        *self.control.trigger.lock().unwrap() = Some((text.as_ref().to_vec(), hold));
    }

    /// Waits until a connection is held.
    pub(crate) async fn held(&self) {
        self.control.held.subscribe().wait_for(|held| *held > 0).await.unwrap();
    }

    /// Whether a connection was held since the last trigger was set.
    pub(crate) fn has_held(&self) -> bool {
        *self.control.held.borrow() > 0
    }

    /// Stalls every connection, and those to come.
    pub(crate) fn stall_all(&self) {
        self.control.all.send_replace(Hold::Everything);
    }

    /// Releases everything that is held.
    pub(crate) fn release(&self) {
        self.control.trigger.lock().unwrap().take();
        self.control.all.send_replace(Hold::Nothing);
        self.control.releases.send_modify(|releases| *releases += 1);
    }

    /// Closes every connection, as a server that stops. New ones are accepted.
    pub(crate) fn cut(&self) {
        self.control.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Delays each part of an answer from now on.
    pub(crate) fn delay(&self, delay: Duration) {
        self.control.delay.send_replace(delay);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, server: String, control: Arc<Control>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(connection(client, server.clone(), Arc::clone(&control)));
    }
}

/// Closes both sockets when one of them is closed, or the proxy cuts the connection.
async fn connection(client: TcpStream, server: String, control: Arc<Control>) {
    let mut cuts = control.cuts.subscribe();
    let Ok(server) = TcpStream::connect(server).await else { return };
    for socket in [&client, &server] {
        let _ = socket.set_nodelay(true);
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let hold = watch::Sender::new(Hold::Nothing);
    tokio::select! {
        _ = requests(from_client, to_server, &hold, &control) => {}
        _ = answers(from_server, to_client, &hold, &control) => {}
        _ = cuts.changed() => {}
    }
}

/// Continues reading while it holds bytes back, to notice a closed socket.
async fn requests(
    mut client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    hold: &watch::Sender<Hold>,
    control: &Control,
) -> io::Result<()> {
    let (mut all, mut releases) = (control.all.subscribe(), control.releases.subscribe());
    let mut waiting = Vec::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        tokio::select! {
            length = client.read(&mut chunk) => {
                let length = length?;
                if length == 0 {
                    return Ok(());
                }
                waiting.extend_from_slice(&chunk[..length]);
                control.trigger(&chunk[..length], hold);
            }
            Ok(()) = releases.changed() => {
                hold.send_replace(Hold::Nothing);
            }
            Ok(()) = all.changed() => {}
        }
        let is_held = |hold: &watch::Sender<Hold>| *hold.borrow() == Hold::Everything;
        if !is_held(hold) && !is_held(&control.all) && !waiting.is_empty() {
            server.write_all(&waiting).await?;
            waiting.clear();
        }
    }
}

async fn answers(
    mut server: OwnedReadHalf,
    mut client: OwnedWriteHalf,
    hold: &watch::Sender<Hold>,
    control: &Control,
) -> io::Result<()> {
    let (mut hold, mut all) = (hold.subscribe(), control.all.subscribe());
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let length = server.read(&mut chunk).await?;
        let delay = *control.delay.borrow();
        if !delay.is_zero() {
            sleep(delay).await;
        }
        let _ = hold.wait_for(|hold| *hold == Hold::Nothing).await;
        let _ = all.wait_for(|hold| *hold == Hold::Nothing).await;
        if length == 0 {
            return Ok(());
        }
        client.write_all(&chunk[..length]).await?;
    }
}

impl Control {
    fn trigger(&self, sent: &[u8], hold: &watch::Sender<Hold>) {
        let mut trigger = self.trigger.lock().unwrap();
        let has = |text: &[u8]| sent.windows(text.len()).any(|window| window == text);
        if let Some((_, what)) = trigger.take_if(|(text, _)| has(text)) {
            hold.send_replace(what);
            self.held.send_modify(|held| *held += 1);
        }
    }
}

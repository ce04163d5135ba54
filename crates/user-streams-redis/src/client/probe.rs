//! Detects a mismatch of TLS when the first connection fails: TLS at a port without it, or the
//! other way round.
//!
//! Neither kind of server reports it. Without TLS, Redis takes the handshake for the beginning of a
//! long command and may wait for the rest; with TLS it closes the connection.

use std::{pin::pin, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep_until, timeout_at},
};
use user_streams_core::ErrorKind;

use crate::{
    address::Address,
    client::target::Target,
    error::{Fault, tls},
};

/// How long to wait for the first reply before probing.
const PROBE_AFTER: Duration = Duration::from_millis(500);
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Waits for the first connection, and probes for TLS if it fails or takes long.
pub(crate) async fn connect(
    target: &Target,
    deadline: Instant,
    connect: impl Future<Output = Result<(), Fault>>,
) -> Result<(), Fault> {
    let mut connect = pin!(connect);
    let probe = async {
        sleep_until(deadline.min(Instant::now() + PROBE_AFTER)).await;
        mismatch(target, deadline).await
    };
    let connected = tokio::select! {
        connected = &mut connect => connected,
        Some(fault) = probe => return Err(fault),
    };
    match connected {
        Err(fault @ (Fault::Lost(_) | Fault::Timeout)) => {
            Err(mismatch(target, deadline).await.unwrap_or(fault))
        }
        connected => connected,
    }
}

async fn mismatch(target: &Target, deadline: Instant) -> Option<Fault> {
    let address = target.hosts.first()?;
    let deadline = deadline.min(Instant::now() + PROBE_TIMEOUT);
    let message = if target.is_tls() {
        let reply = timeout_at(deadline, first_bytes(address, b"PING\r\n")).await.ok()??;
        matches!(reply[0], b'+' | b'-').then_some(tls::NO_TLS)
    } else {
        // A minimal ClientHello of TLS 1.2. Every TLS server replies with a record, be it an alert.
        let (header, random) = ([22, 3, 1, 0, 47, 1, 0, 0, 43, 3, 3], [0; 32]);
        let hello = [&header[..], &random, &[0, 0, 4, 0xc0, 0x2f, 0xc0, 0x2b, 1, 0]].concat();
        let reply = timeout_at(deadline, first_bytes(address, &hello)).await.ok()??;
        matches!(reply, [21 | 22, 3]).then_some(tls::TLS_ONLY)
    };
    message.map(|message| Fault::Refused(ErrorKind::InvalidSettings, message.to_owned()))
}

/// The first two bytes of the reply.
async fn first_bytes(address: &Address, request: &[u8]) -> Option<[u8; 2]> {
    let mut stream = TcpStream::connect((address.host.as_str(), address.port)).await.ok()?;
    stream.write_all(request).await.ok()?;
    let mut reply = [0; 2];
    stream.read_exact(&mut reply).await.ok()?;
    Some(reply)
}

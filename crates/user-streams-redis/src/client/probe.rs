//! Finds out why the first connection fails, where fred does not say.
//!
//! A mismatch of TLS: TLS at a port without it, or the other way round. Neither kind of server
//! reports it. Without TLS, Redis takes the handshake for the beginning of a long command and may
//! wait for the rest; with TLS it closes the connection.
//!
//! A sentinel that refuses the login, or does not know the service. fred says that all sentinels
//! have failed.

use std::{pin::pin, time::Duration};

use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep_until, timeout_at},
};
use user_streams_core::ErrorKind;

use crate::{
    address::Address,
    client::{
        command::Command,
        server::Server,
        target::{Target, Topology},
    },
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
        Err(fault @ (Fault::Lost(_) | Fault::Timeout)) => match mismatch(target, deadline).await {
            Some(mismatch) => Err(mismatch),
            None => Err(sentinels(target, deadline).await.unwrap_or(fault)),
        },
        Err(Fault::Refused(ErrorKind::InvalidSettings, _)) => {
            // Whose login it is: the sentinel's, or the master's.
            let fault = sentinels(target, deadline).await;
            fault.map_or(connected, Err)
        }
        connected => connected,
    }
}

/// Why the sentinels name no master, if each of those that answer has a reason that no retry helps.
async fn sentinels(target: &Target, deadline: Instant) -> Option<Fault> {
    let Topology::Sentinel(service) = &target.topology else { return None };
    let deadline = deadline.max(Instant::now() + PROBE_TIMEOUT);
    let sentinel = target.sentinel();
    let asked = target.hosts.iter().map(|host| ask(host, &sentinel, service, deadline));
    let mut reason = None;
    for answer in join_all(asked).await {
        match answer {
            Ok(true) => return None,
            Ok(false) => {
                reason = Some(Fault::Refused(
                    ErrorKind::InvalidSettings,
                    format!(
                        "the sentinels know no service `{service}`: see `sentinelServiceName` in \
                         the URL, and `sentinel monitor` in their configuration"
                    ),
                ));
            }
            Err(Fault::Refused(kind, why)) => {
                reason.get_or_insert(Fault::Refused(
                    kind,
                    format!(
                        "the sentinels refuse the login, which is in the client arguments \
                         `sentinel_user` and `sentinel_password`: {why}"
                    ),
                ));
            }
            Err(_) => {}
        }
    }
    reason
}

/// Whether this sentinel knows the service.
async fn ask(
    host: &Address,
    sentinel: &Target,
    service: &str,
    deadline: Instant,
) -> Result<bool, Fault> {
    let server = Server::at(host, sentinel);
    let args = vec!["GET-MASTER-ADDR-BY-NAME".into(), service.into()];
    let reply = server.send_one(&Command::to_server("SENTINEL", args), deadline).await?;
    Ok(!reply.is_null())
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

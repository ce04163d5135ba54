//! Why a first connection comes to nothing: the server speaks TLS and we do not, or the other way round.
//!
//! Neither kind of server says so. Without TLS Redis may wait for the rest of what it takes for a long command; with TLS
//! it closes the connection.

use std::{pin::pin, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep_until, timeout_at},
};
use user_streams_core::ErrorKind;

use crate::{
    fault::{Address, Fault},
    tls,
    url::Target,
};

/// How long a server has to answer before it is asked what it speaks.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long that may take.
const LIMIT: Duration = Duration::from_secs(1);

/// Reaches the server for the first time, or says that another protocol is spoken there.
pub(crate) async fn reach(
    target: &Target,
    deadline: Instant,
    reach: impl Future<Output = Result<(), Fault>>,
) -> Result<(), Fault> {
    let mut reach = pin!(reach);
    let late = async {
        sleep_until(deadline.min(Instant::now() + PATIENCE)).await;
        mismatch(target, deadline).await
    };
    let reached = tokio::select! {
        reached = &mut reach => reached,
        Some(fault) = late => return Err(fault),
    };
    match reached {
        Err(fault @ (Fault::Lost(_) | Fault::Timeout)) => {
            Err(mismatch(target, deadline).await.unwrap_or(fault))
        }
        reached => reached,
    }
}

async fn mismatch(target: &Target, deadline: Instant) -> Option<Fault> {
    let address = target.hosts.first()?;
    let deadline = deadline.min(Instant::now() + LIMIT);
    let message = if target.is_tls() {
        let answer = timeout_at(deadline, answer(address, b"PING\r\n")).await.ok()??;
        matches!(answer[0], b'+' | b'-').then_some(tls::NO_TLS)
    } else {
        // The first message of TLS 1.2: a record with a ClientHello, which has no more in it than it must. Whoever speaks TLS
        // answers by a record, be it a refusal.
        let (header, random) = ([22, 3, 1, 0, 47, 1, 0, 0, 43, 3, 3], [0; 32]);
        let hello = [&header[..], &random, &[0, 0, 4, 0xc0, 0x2f, 0xc0, 0x2b, 1, 0]].concat();
        let answer = timeout_at(deadline, answer(address, &hello)).await.ok()??;
        matches!(answer, [21 | 22, 3]).then_some(tls::TLS_ALONE)
    };
    message.map(|message| Fault::Refused(ErrorKind::InvalidSettings, message.to_owned()))
}

/// The first two bytes of the answer.
async fn answer(address: &Address, question: &[u8]) -> Option<[u8; 2]> {
    let mut stream = TcpStream::connect((address.host.as_str(), address.port)).await.ok()?;
    stream.write_all(question).await.ok()?;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).await.ok()?;
    Some(answer)
}

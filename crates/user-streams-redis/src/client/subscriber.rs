//! A connection that receives what is published, until it is lost.
//!
//! fred drops the confirmations of `SUBSCRIBE` and of the end of a subscription. A `PING` that
//! follows is answered once all is confirmed, or by the error of what was refused. And whether a
//! node of a cluster has the slots yet whose channels are subscribed to is asked from time to time.

use std::time::Duration;

use fred::{bytes::Bytes, types::Message};
use tokio::{
    sync::{broadcast, mpsc, watch},
    time::{Instant, sleep, timeout_at},
};
use user_streams_core::ErrorKind;

use crate::{
    address::Address,
    client::{
        command::Command,
        connection::Connection,
        connector::Connector,
        slot_map::{self, SlotRange},
    },
    error::Fault,
};

/// How many messages wait to be taken. More of them end the subscription.
pub(crate) const MAX_WAITING: usize = 4_096;
/// How often the connection is checked, and for how long its answer is waited for: a half-open one
/// is noticed within the sum.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);
/// How many channels are subscribed to in one pipeline.
const CHANNELS: usize = 1_024;

/// What is subscribed to.
pub(crate) enum Channels {
    /// One channel of a server.
    One(Bytes),
    /// Those of the slots of a node, at this address.
    OfSlots { node: Address, ranges: Vec<SlotRange>, channels: Vec<Bytes> },
}

/// The connection.
pub(crate) struct Subscriber {
    connection: Connection,
    messages: broadcast::Receiver<Message>,
    channels: Channels,
}

impl Subscriber {
    /// Connects and subscribes.
    pub(crate) async fn open(
        connector: &Connector,
        channels: Channels,
        deadline: Instant,
    ) -> Result<Self, Fault> {
        let opened = async {
            let connection = connector.connect_for_messages(MAX_WAITING).await?;
            let messages = connection.messages();
            match &channels {
                Channels::One(channel) => connection.subscribe(channel).await?,
                Channels::OfSlots { channels, .. } => {
                    subscribe_to_slots(&connection, channels).await?;
                }
            }
            Ok((connection, messages))
        };
        let opened = timeout_at(deadline, opened).await;
        let (connection, messages) = opened.unwrap_or(Err(Fault::Timeout))?;
        Ok(Self { connection, messages, channels })
    }

    /// Passes on the messages, and returns why there are no more.
    pub(crate) async fn run(
        mut self,
        to: mpsc::Sender<Bytes>,
        mut closed: watch::Receiver<bool>,
    ) -> Fault {
        let check = check(&self.connection, &self.channels);
        tokio::select! {
            fault = check => fault,
            fault = pass_on(&mut self.messages, to) => fault,
            () = self.connection.ended() => Fault::Lost("the connection was closed".to_owned()),
            _ = closed.wait_for(|closed| *closed) => Fault::closed(),
        }
    }
}

async fn pass_on(messages: &mut broadcast::Receiver<Message>, to: mpsc::Sender<Bytes>) -> Fault {
    loop {
        let message = match messages.recv().await {
            Ok(message) => message.value.into_bytes().unwrap_or_default(),
            Err(broadcast::error::RecvError::Lagged(_)) => break overflow(),
            Err(broadcast::error::RecvError::Closed) => {
                break Fault::Lost("the connection was closed".to_owned());
            }
        };
        if to.try_send(message).is_err() {
            break overflow();
        }
    }
}

fn overflow() -> Fault {
    Fault::Lost(format!("more than {MAX_WAITING} messages have not been taken in time"))
}

/// Checks the connection from time to time, and returns why it is of no use.
async fn check(connection: &Connection, channels: &Channels) -> Fault {
    loop {
        sleep(CHECK_INTERVAL).await;
        match channels {
            Channels::One(_) => {
                if !connection.ping(CHECK_TIMEOUT).await {
                    return Fault::Lost("the server does not answer".to_owned());
                }
            }
            Channels::OfSlots { node, ranges, .. } => {
                let deadline = Instant::now() + CHECK_TIMEOUT;
                match timeout_at(deadline, slots_of(connection, node)).await {
                    Ok(Ok(now)) if now == *ranges => {}
                    Ok(Ok(_)) => return Fault::NotReady("slots of the cluster moved".to_owned()),
                    Ok(Err(fault)) => return fault,
                    Err(_) => return Fault::Lost("the server does not answer".to_owned()),
                }
            }
        }
    }
}

/// The slots that this node says it has.
async fn slots_of(connection: &Connection, node: &Address) -> Result<Vec<SlotRange>, Fault> {
    let command = Command::to_server("CLUSTER", vec!["SLOTS".into()]);
    let ranges = slot_map::parse(connection.send_one(&command).await??, &node.host);
    let ranges = ranges.ok_or_else(|| {
        Fault::Refused(ErrorKind::Backend, format!("{node} sent a malformed list of its slots"))
    })?;
    Ok(slot_map::ranges_of(node, &ranges))
}

async fn subscribe_to_slots(connection: &Connection, channels: &[Bytes]) -> Result<(), Fault> {
    for some in channels.chunks(CHANNELS) {
        let command = |channel: &Bytes| Command::on_key("SSUBSCRIBE", channel.clone(), []);
        let commands: Vec<_> = some.iter().map(command).collect();
        for reply in connection.send(&commands.iter().collect::<Vec<_>>()).await? {
            reply?;
        }
    }
    Ok(())
}

//! What is published by the servers, as long as nothing of it is lost.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::AtomicBool},
};

use fred::{
    bytes::Bytes,
    types::{
        RespVersion,
        config::{Config, ServerConfig},
    },
};
use futures_util::future::try_join_all;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::Instant,
};

use crate::{
    address::Address,
    client::{
        connector::Connector,
        slot_map::{self, SlotRange},
        subscriber::{Channels, MAX_WAITING, Subscriber},
    },
    config::Limits,
    error::Fault,
};

/// What connects to servers for their messages.
pub(crate) struct Watch {
    /// Of one of the servers.
    pub(crate) config: Config,
    pub(crate) limits: Limits,
    pub(crate) is_closed: Arc<AtomicBool>,
    pub(crate) closed: watch::Receiver<bool>,
}

/// The messages. Dropping them closes the connections.
pub(crate) struct Messages {
    messages: mpsc::Receiver<Bytes>,
    connections: JoinSet<Fault>,
}

impl Watch {
    /// The messages of one channel of a server.
    pub(crate) async fn one(self, channel: Bytes) -> Result<Messages, Fault> {
        // The older protocol is understood everywhere.
        let config = Config { version: RespVersion::RESP2, ..self.config.clone() };
        let subscriber = self.subscriber(config, Channels::One(channel)).await?;
        Ok(self.messages(vec![subscriber]))
    }

    /// The messages of the channels of all slots of a cluster, from the node that has each.
    pub(crate) async fn cluster(
        self,
        slots: &[SlotRange],
        channel_of: impl Fn(u16) -> Bytes,
    ) -> Result<Messages, Fault> {
        let nodes: BTreeSet<&Address> = slots.iter().map(|(_, _, node)| node).collect();
        let subscribers = nodes.into_iter().map(|node| {
            let server = ServerConfig::new_centralized(node.host.clone(), node.port);
            // The older one permits no other commands beside.
            let config = Config { server, version: RespVersion::RESP3, ..self.config.clone() };
            let ranges = slot_map::ranges_of(node, slots);
            let numbers = ranges.iter().flat_map(|&(first, last, _)| first..=last);
            let channels = numbers.map(&channel_of).collect();
            self.subscriber(config, Channels::OfSlots { node: node.clone(), ranges, channels })
        });
        let subscribers = try_join_all(subscribers).await?;
        Ok(self.messages(subscribers))
    }

    async fn subscriber(&self, config: Config, channels: Channels) -> Result<Subscriber, Fault> {
        let connector = Connector::new(config, self.limits, Arc::clone(&self.is_closed));
        let deadline = Instant::now() + self.limits.connect_timeout;
        Subscriber::open(&connector, channels, deadline).await
    }

    fn messages(self, subscribers: Vec<Subscriber>) -> Messages {
        let (to, messages) = mpsc::channel(MAX_WAITING);
        let mut connections = JoinSet::new();
        for subscriber in subscribers {
            connections.spawn(subscriber.run(to.clone(), self.closed.clone()));
        }
        Messages { messages, connections }
    }
}

impl Messages {
    /// The next one, or why there are no more.
    pub(crate) async fn next(&mut self) -> Result<Bytes, Fault> {
        let lost = || Fault::Lost("the subscription was aborted".to_owned());
        let ended = tokio::select! {
            biased;
            ended = self.connections.join_next() => ended,
            message = self.messages.recv() => match message {
                Some(message) => return Ok(message),
                None => self.connections.join_next().await,
            }
        };
        Err(ended.and_then(Result::ok).unwrap_or_else(lost))
    }
}

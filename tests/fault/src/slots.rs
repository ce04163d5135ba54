//! Slots of a cluster that move from one master to another until they are stopped, on bare sockets.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use fastrand::Rng;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};
use user_streams_test_servers::harness::resp::{Client, Reply};

use crate::store::Store;

/// The running moves.
pub(crate) struct Moves {
    stop: Arc<AtomicBool>,
    task: JoinHandle<Result<u64>>,
}

impl Moves {
    /// Begins to move the slots of these keys, in a random order and each once: the nodes learn
    /// of a move little by little, and would not agree on the order of two.
    pub(crate) async fn start(store: &Store, keys: &[String], rng: &mut Rng) -> Result<Self> {
        let mut masters = masters(store).await?;
        ensure!(masters.len() > 1, "a cluster without two masters");
        let mut slots = Vec::new();
        for key in keys {
            match masters[0].client.call(&[b"CLUSTER", b"KEYSLOT", key.as_bytes()]).await? {
                Reply::Number(slot) => slots.push(u16::try_from(slot)?),
                other => bail!("CLUSTER KEYSLOT returned {other:?}"),
            }
        }
        let mut owners = BTreeMap::new();
        for (at, master) in masters.iter().enumerate() {
            owners.extend(
                slots
                    .iter()
                    .filter(|slot| is_within(&master.ranges, **slot))
                    .map(|slot| (*slot, at)),
            );
        }
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, mut rng) = (Arc::clone(&stop), rng.fork());
        let mut owners: Vec<_> = owners.into_iter().collect();
        rng.shuffle(&mut owners);
        let task = tokio::spawn(async move {
            let mut moved = Vec::new();
            for (slot, from) in owners {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                let to = (from + rng.usize(1..masters.len())) % masters.len();
                move_slot(&mut masters, slot, from, to, &mut rng).await?;
                moved.push((slot, to));
                sleep(Duration::from_millis(rng.u64(2..15))).await;
            }
            agree(&mut masters, &moved).await?;
            Ok(moved.len() as u64)
        });
        Ok(Self { stop, task })
    }

    /// Ends with the slot that is on its way, and waits until the nodes agree; returns how many
    /// have moved.
    pub(crate) async fn stop(self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await?.context("a slot could not be moved")
    }
}

struct Master {
    client: Client,
    port: String,
    name: String,
    ranges: Vec<(u16, u16)>,
}

impl Master {
    async fn set_slot(&mut self, slot: &str, state: &[u8], name: &str) -> Result<()> {
        let parts: [&[u8]; 5] = [b"CLUSTER", b"SETSLOT", slot.as_bytes(), state, name.as_bytes()];
        self.client.call(&parts).await?;
        Ok(())
    }
}

async fn masters(store: &Store) -> Result<Vec<Master>> {
    let mut masters = Vec::new();
    for address in store.addresses()? {
        let mut client = Client::connect(&address).await?;
        let nodes = nodes(&mut client).await?;
        let own = nodes.into_iter().find(|node| node.flags.contains("myself"));
        let Node { name, flags, ranges } = own.context("a node without a line of its own")?;
        if flags.contains("master") {
            let (_, port) = address.rsplit_once(':').context("an address without a port")?;
            masters.push(Master { client, port: port.to_owned(), name, ranges });
        }
    }
    Ok(masters)
}

/// A node, as another one knows it.
struct Node {
    name: String,
    flags: String,
    ranges: Vec<(u16, u16)>,
}

/// What a node knows of all.
async fn nodes(client: &mut Client) -> Result<Vec<Node>> {
    let Reply::Bytes(nodes) = client.call(&[b"CLUSTER", b"NODES"]).await? else {
        bail!("CLUSTER NODES did not return a text")
    };
    let node = |line: &str| {
        // The name, address, flags, master, ping, pong, epoch and link, and then the slots.
        let words: Vec<_> = line.split(' ').collect();
        let [name, _, flags, _, _, _, _, _, slots @ ..] = &words[..] else {
            bail!("unexpected line of CLUSTER NODES: {line:?}")
        };
        let mut ranges = Vec::new();
        for range in slots.iter().filter(|word| !word.starts_with('[')) {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            ranges.push((first.parse()?, last.parse()?));
        }
        Ok(Node { name: (*name).to_owned(), flags: (*flags).to_owned(), ranges })
    };
    str::from_utf8(&nodes)?.lines().map(node).collect()
}

/// Waits until each master knows where the slots have moved to.
async fn agree(masters: &mut [Master], moved: &[(u16, usize)]) -> Result<()> {
    let names: Vec<_> = masters.iter().map(|master| master.name.clone()).collect();
    let deadline = Instant::now() + Duration::from_secs(20);
    for master in masters {
        loop {
            let nodes = nodes(&mut master.client).await?;
            let has = |(slot, to): &(u16, usize)| {
                let owner = nodes.iter().find(|node| node.name == names[*to]);
                owner.is_some_and(|owner| is_within(&owner.ranges, *slot))
            };
            if moved.iter().all(has) {
                break;
            }
            ensure!(Instant::now() < deadline, "the nodes do not agree on the slots");
            sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}

fn is_within(ranges: &[(u16, u16)], slot: u16) -> bool {
    ranges.iter().any(|(first, last)| (*first..=*last).contains(&slot))
}

/// Moves one slot as `redis-cli --cluster reshard` does, with a pause in the middle.
async fn move_slot(
    masters: &mut [Master],
    slot: u16,
    from: usize,
    to: usize,
    rng: &mut Rng,
) -> Result<()> {
    let slot = slot.to_string();
    let (source, target) = (masters[from].name.clone(), masters[to].name.clone());
    let port = masters[to].port.clone();
    masters[to].set_slot(&slot, b"IMPORTING", &source).await?;
    masters[from].set_slot(&slot, b"MIGRATING", &target).await?;
    loop {
        sleep(Duration::from_millis(rng.u64(..3))).await;
        let client = &mut masters[from].client;
        let list: [&[u8]; 4] = [b"CLUSTER", b"GETKEYSINSLOT", slot.as_bytes(), b"1"];
        let Reply::Array(keys) = client.call(&list).await? else {
            bail!("CLUSTER GETKEYSINSLOT did not return an array")
        };
        let Some(key) = keys.first() else { break };
        client.call(&[b"MIGRATE", b"127.0.0.1", port.as_bytes(), key, b"0", b"2000"]).await?;
    }
    // The new owner first: it must not send clients back.
    masters[to].set_slot(&slot, b"NODE", &target).await?;
    for at in (0..masters.len()).filter(|at| *at != to) {
        masters[at].set_slot(&slot, b"NODE", &target).await?;
    }
    Ok(())
}

//! Which server of a cluster owns which slot.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use fred::types::Value;

use crate::{address::Address, client::server::Server};

const SLOTS: usize = 16_384;
const UNASSIGNED: u16 = u16::MAX;

/// The first slot, the last slot, and the address of their owner.
pub(crate) type SlotRange = (u16, u16, Address);

#[derive(Debug)]
pub(crate) struct SlotMap {
    /// For each slot an index into `servers`.
    slots: Vec<u16>,
    servers: Vec<(Address, Arc<Server>)>,
}

impl SlotMap {
    pub(crate) fn new() -> Self {
        Self { slots: vec![UNASSIGNED; SLOTS], servers: Vec::new() }
    }

    /// Every known server.
    pub(crate) fn servers(&self) -> &[(Address, Arc<Server>)] {
        &self.servers
    }

    /// The servers that own slots.
    pub(crate) fn owners(&self) -> Vec<(Address, Arc<Server>)> {
        let owned: BTreeSet<_> = self.slots.iter().copied().collect();
        owned.into_iter().filter_map(|at| self.servers.get(usize::from(at)).cloned()).collect()
    }

    pub(crate) fn owner(&self, slot: u16) -> Option<&(Address, Arc<Server>)> {
        self.servers.get(usize::from(*self.slots.get(usize::from(slot))?))
    }

    /// All slots that are owned.
    pub(crate) fn ranges(&self) -> Vec<SlotRange> {
        let mut ranges: Vec<SlotRange> = Vec::new();
        for (slot, owner) in (0_u16..).zip(&self.slots) {
            let Some((address, _)) = self.servers.get(usize::from(*owner)) else { continue };
            match ranges.last_mut() {
                Some((_, last, of)) if of == address && *last + 1 == slot => *last = slot,
                _ => ranges.push((slot, slot, address.clone())),
            }
        }
        ranges
    }

    /// The server at an address, made now if it is not known.
    pub(crate) fn server(
        &mut self,
        address: &Address,
        make: impl FnOnce() -> Arc<Server>,
    ) -> Arc<Server> {
        match self.servers.iter().find(|(known, _)| known == address) {
            Some((_, server)) => Arc::clone(server),
            None => {
                let server = make();
                self.servers.push((address.clone(), Arc::clone(&server)));
                server
            }
        }
    }

    pub(crate) fn assign(&mut self, slot: u16, server: &Arc<Server>) {
        let index = self.servers.iter().position(|(_, known)| Arc::ptr_eq(known, server));
        if let (Some(index), Some(owner)) =
            (index.and_then(|index| index.try_into().ok()), self.slots.get_mut(usize::from(slot)))
        {
            *owner = index;
        }
    }

    /// Replaces the map. Servers that are still in it keep their connections.
    pub(crate) fn replace(
        &mut self,
        ranges: Vec<SlotRange>,
        make: impl Fn(&Address) -> Arc<Server>,
    ) {
        let mut known: BTreeMap<_, _> = self.servers.drain(..).collect();
        self.slots.fill(UNASSIGNED);
        for (start, end, address) in ranges {
            let index = match self.servers.iter().position(|(other, _)| *other == address) {
                Some(index) => index,
                None => {
                    let server = known.remove(&address).unwrap_or_else(|| make(&address));
                    self.servers.push((address, server));
                    self.servers.len() - 1
                }
            };
            if let Some(slots) = self.slots.get_mut(usize::from(start)..=usize::from(end)) {
                slots.fill(u16::try_from(index).unwrap_or(UNASSIGNED));
            }
        }
    }
}

/// Those of this server, in their order.
pub(crate) fn ranges_of(server: &Address, ranges: &[SlotRange]) -> Vec<SlotRange> {
    let mut its: Vec<_> =
        ranges.iter().filter(|(_, _, address)| address == server).cloned().collect();
    its.sort_unstable();
    its
}

/// The reply to `CLUSTER SLOTS` from the server at `own_host`.
pub(crate) fn parse(slots: Value, own_host: &str) -> Option<Vec<SlotRange>> {
    let Value::Array(ranges) = slots else { return None };
    let ranges = ranges.into_iter().map(|range| {
        let Value::Array(range) = range else { return None };
        let Some([start, end, Value::Array(primary)]) = range.first_chunk() else { return None };
        let [host, port, ..] = primary.as_slice() else { return None };
        // A server that does not know its own name leaves it out.
        let host =
            host.as_string().filter(|host| !host.is_empty()).unwrap_or_else(|| own_host.to_owned());
        let number = |value: &Value| u16::try_from(value.as_u64()?).ok();
        let (start, end) = (number(start)?, number(end)?);
        (start <= end).then_some((start, end, Address { host, port: number(port)? }))
    });
    ranges.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(host: Value) -> Value {
        Value::Array(vec![host, 7001.into(), "id".into(), Value::Array(Vec::new())])
    }

    #[test]
    fn the_map_is_parsed_with_and_without_names() {
        let range = |start: i64, end: i64, host: Value| {
            Value::Array(vec![start.into(), end.into(), server(host), server("replica".into())])
        };
        let slots = Value::Array(vec![
            range(0, 99, "a".into()),
            range(100, 16_383, Value::Null),
            range(5, 5, "".into()),
        ]);
        let at = |host: &str| Address { host: host.to_owned(), port: 7001 };
        let expected = vec![(0, 99, at("a")), (100, 16_383, at("own")), (5, 5, at("own"))];
        assert_eq!(parse(slots, "own"), Some(expected));
        assert_eq!(parse(Value::Array(vec![range(9, 1, "a".into())]), ""), None);
        assert_eq!(parse("OK".into(), ""), None);
    }
}

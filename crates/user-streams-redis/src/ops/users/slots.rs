//! Lists the streams of a cluster, slot by slot.
//!
//! A `SCAN` of one server after the other would miss the keys of a slot that moves from a server
//! that is yet to come to one that was. Here a server answers for a slot only if it has all of it;
//! see [`streams_in_slot`].

use user_streams_core::{Result, UserId};

use super::place::Place;
use crate::{
    ops::store::Store,
    reply,
    scripts::slot::streams_in_slot,
    storage::slots::{SLOTS, tag},
};

/// Slots that are asked for together: as many as in this case are empty, or nearly so.
const MAX_SLOTS: usize = 2_048;
/// How many streams they have together, about.
const MAX_STREAMS: usize = 20_000;

/// The users from this slot on. All of one slot come together.
pub(super) async fn list(
    store: &Store,
    first: u16,
    limit: usize,
) -> Result<(Vec<UserId>, Option<Place>)> {
    let (mut users, mut slot, mut number) = (Vec::new(), first, 1);
    while users.len() < limit {
        let asked = (slot..SLOTS).take(number);
        let command = |slot: u16| {
            let absent = store.keys.in_slot_of(tag(slot));
            streams_in_slot(slot, absent, store.keys.stream_prefix())
        };
        let commands: Vec<_> = asked.map(command).collect();
        let Some(next) = u16::try_from(commands.len()).ok().map(|asked| slot + asked) else {
            break;
        };
        let before = users.len();
        for reply in store.executor.all(store.executor.deadline(), commands).await? {
            let keys = reply::byte_strings(reply)?;
            users.extend(keys.iter().filter_map(|key| store.keys.user(key, store.user_id)));
        }
        slot = next;
        if slot >= SLOTS {
            return Ok((users, None));
        }
        // As many as have what is wanted yet, if they have as much as the last ones, but not at
        // once: the last ones may have been empty by chance.
        let found = (users.len() - before).max(1);
        let wanted = limit.saturating_sub(users.len()).min(MAX_STREAMS);
        number = (wanted * number / found).clamp(1, (2 * number).min(MAX_SLOTS));
    }
    Ok((users, Some(Place::Slot(slot))))
}

#[cfg(test)]
mod tests {
    use fred::util::redis_keyslot;

    use super::*;
    use crate::storage::keys::Keys;

    #[test]
    fn each_slot_has_a_key_that_is_no_users() {
        let keys = Keys::new("{a}").unwrap();
        for slot in (0..SLOTS).step_by(7).chain([SLOTS - 1]) {
            let key = keys.in_slot_of(tag(slot));
            assert_eq!(redis_keyslot(&key), slot);
            for kind in [
                user_streams_core::UserIdKind::BigInt,
                user_streams_core::UserIdKind::Uuid,
                user_streams_core::UserIdKind::Text,
            ] {
                assert_eq!(keys.user(&key, kind), None);
            }
        }
    }
}

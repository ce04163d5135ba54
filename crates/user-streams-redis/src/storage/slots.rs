//! The slots of a cluster.

use std::sync::OnceLock;

use fred::util::redis_keyslot;

/// How many slots a cluster has.
pub(crate) const SLOTS: u16 = 16_384;

/// A number that in braces is of this slot.
pub(crate) fn tag(slot: u16) -> u32 {
    static TAGS: OnceLock<Vec<u32>> = OnceLock::new();
    let tags = TAGS.get_or_init(|| {
        let (mut tags, mut missing) = (vec![0; usize::from(SLOTS)], SLOTS);
        for number in 1_u32.. {
            let tag = &mut tags[usize::from(redis_keyslot(number.to_string().as_bytes()))];
            if *tag == 0 {
                *tag = number;
                missing -= 1;
            }
            if missing == 0 {
                break;
            }
        }
        tags
    });
    tags.get(usize::from(slot)).copied().unwrap_or_default()
}

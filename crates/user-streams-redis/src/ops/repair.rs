//! Deletes what cannot be read from a stream.
//!
//! The stream is read part by part, and what is damaged in a part is deleted by a script, which
//! checks that nothing has changed: adds and deletions meanwhile are safe.

use user_streams_core::{Result, backend::RepairStream};

use super::{
    delete::or_foreign_key,
    scan::{Entry, Found, Scan},
    store::{Store, Stream},
};
use crate::{
    reply,
    scripts::{
        page::{Direction, Place},
        repair::{Damaged, repair as delete_damaged},
    },
    storage::member::{Damage, Member},
};

/// The members of a part.
const MEMBERS: u64 = 1_000;

/// Deletes what cannot be read, and returns how many there were. A key of another type is one.
pub(crate) async fn repair(store: &Store, args: RepairStream) -> Result<u64> {
    let stream = store.stream(args.user)?;
    let deleted = members(store, &stream).await;
    or_foreign_key(store, &stream, deleted).await
}

async fn members(store: &Store, stream: &Stream) -> Result<u64> {
    let mut scan = Scan::new(store, stream, Place::Rank(0), Direction::Older);
    let mut deadline = store.executor.deadline();
    let mut deleted = 0;
    while let Some(entries) = scan.next(&mut deadline, MEMBERS).await? {
        let damaged: Vec<_> = entries.into_iter().filter_map(damaged).collect();
        if damaged.is_empty() {
            continue;
        }
        // In a cluster content is at other servers than the script, and never deleted.
        let is_cluster = store.executor.is_cluster();
        let prefix = (!is_cluster).then(|| store.keys.shared_content_prefix());
        let command = delete_damaged(stream.key.clone(), prefix, damaged);
        deleted += reply::count(&store.one(deadline, stream, command).await?)?;
        deadline = store.executor.deadline();
    }
    Ok(deleted)
}

fn damaged(entry: Entry) -> Option<Damaged> {
    let Found::Damaged(damage) = entry.found else { return None };
    let content = match damage {
        Damage::NoContent => {
            let member = Member::parse(&entry.member).ok()?;
            Some(format!("{}:{}", member.created_at_us, member.id))
        }
        _ => None,
    };
    Some(Damaged { member: entry.member, score: entry.score, content })
}

//! Imports from Redis.

use user_streams::NewItem;

use super::{
    ids,
    importer::Importer,
    redis::{Member, RedisSource, shown},
    row::{Problem, Rules},
};
use crate::failure::Failure;

/// Each key's members.
pub(super) async fn import(
    source: &RedisSource,
    importer: &mut Importer<'_>,
) -> Result<(), Failure> {
    let mut from = Some("0".to_owned());
    while let Some(cursor) = from {
        let (keys, next) = source.keys(&cursor).await?;
        for key in keys {
            import_key(source, &key, importer).await?;
        }
        from = next;
    }
    Ok(())
}

async fn import_key(
    source: &RedisSource,
    key: &[u8],
    importer: &mut Importer<'_>,
) -> Result<(), Failure> {
    let primary_key = key.strip_prefix(source.prefix().as_bytes()).unwrap_or(key);
    let user = str::from_utf8(primary_key).map_err(|_| "the user's key is no UTF-8".to_owned());
    let user = match user.and_then(|user| importer.rules.user(user)) {
        Ok(user) => user,
        Err(problem) => return importer.leave_out(format!("the key {}", shown(key)), &problem),
    };
    let (mut rank, mut last) = (0, None);
    loop {
        let members = source.members(key, rank).await?;
        if members.is_empty() {
            break;
        }
        for member in members {
            let place = format!("the member of rank {rank} of the key {}", shown(key));
            rank += 1;
            match checked(member, &importer.rules) {
                // Another member with this beginning is after it, since members of one score are
                // in the order of their bytes.
                Ok(item) if last == Some(item.cursor()) => {
                    let problem = "it begins as the one before it, by which they cannot be told \
                                   apart";
                    importer.leave_out(place, &problem.to_owned())?;
                }
                Ok(item) => {
                    last = Some(item.cursor());
                    importer.add(&user, item).await?;
                }
                Err(problem) => importer.leave_out(place, &problem)?,
            }
        }
    }
    if rank > 0 {
        importer.count_user();
    }
    Ok(())
}

fn checked(member: Member, rules: &Rules) -> Result<NewItem, Problem> {
    let date = rules.zones.of_score(member.score);
    let (header, content) = member.split()?;
    let id = ids::of_member(header).ok_or("its header cannot be an id")?;
    Ok(rules.item(date, content)?.with_id(id))
}

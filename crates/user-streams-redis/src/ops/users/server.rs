//! Lists the streams of a single server, by `SCAN`.
//!
//! Its promise is that of the operation: a key that is there all the while is returned at least
//! once. But it is the promise of one server, whose cursors another one does not know, nor the same
//! one after a restart. So a place has the server's `run_id`, and where that has changed the list
//! begins anew.

use fred::types::Value;
use user_streams_core::{Result, UserId};

use super::place::Place;
use crate::{client::command::Command, ops::store::Store, reply};

/// The keys that a server looks at, about, in one command: within a millisecond.
const MAX_COUNT: usize = 1_000;
/// The commands of a part at the most. Where there are few streams among many other keys, it has
/// fewer users than asked for.
const MAX_COMMANDS: usize = 100;

/// The answer to one command.
struct Scanned {
    keys: Vec<Value>,
    cursor: u64,
    /// The server that answered, before and after; both empty if it does not permit `INFO`.
    runs: [String; 2],
}

pub(super) async fn list(
    store: &Store,
    mut run: String,
    mut cursor: u64,
    limit: usize,
) -> Result<(Vec<UserId>, Option<Place>)> {
    let mut users = Vec::new();
    let mut may_ask = true;
    for _ in 0..MAX_COMMANDS {
        let count = limit.saturating_sub(users.len()).clamp(10, MAX_COUNT);
        let scanned = scan(store, cursor, count, &mut may_ask).await?;
        let user = |key: Value| store.keys.user(&key.into_bytes()?, store.user_id);
        users.extend(scanned.keys.into_iter().filter_map(user));
        let [before, after] = scanned.runs;
        let is_other = cursor != 0 && !run.is_empty() && !before.is_empty() && run != before;
        if is_other || before != after {
            (run, cursor) = (String::new(), 0);
            continue;
        }
        (run, cursor) = (after, scanned.cursor);
        if cursor == 0 {
            return Ok((users, None));
        }
        if users.len() >= limit {
            break;
        }
    }
    Ok((users, Some(Place::Server { run, cursor })))
}

async fn scan(store: &Store, cursor: u64, count: usize, may_ask: &mut bool) -> Result<Scanned> {
    let pattern = format!("{}*", store.keys.stream_prefix());
    let number = Value::from(i64::try_from(count).unwrap_or(i64::MAX));
    let args =
        vec![cursor.to_string().into(), "MATCH".into(), pattern.into(), "COUNT".into(), number];
    let scan = Command::to_server("SCAN", args);
    let info = Command::to_server("INFO", vec!["server".into()]);
    let executor = &store.executor;
    let deadline = executor.deadline();
    let mut replies = None;
    if *may_ask {
        let commands = vec![info.clone(), scan.clone(), info];
        replies = executor.try_all(deadline, commands).await?;
        *may_ask = replies.is_some();
    }
    let [before, scanned, after] = match replies {
        Some(replies) => replies.try_into().map_err(|_: Vec<Value>| reply::unexpected())?,
        None => [Value::Null, executor.one(deadline, scan).await?, Value::Null],
    };
    let [cursor, keys] =
        reply::array(scanned)?.try_into().map_err(|_: Vec<Value>| reply::unexpected())?;
    let cursor = cursor.as_string().and_then(|cursor| cursor.parse().ok());
    Ok(Scanned {
        keys: reply::array(keys)?,
        cursor: cursor.ok_or_else(reply::unexpected)?,
        runs: [run_id(&before), run_id(&after)],
    })
}

fn run_id(info: &Value) -> String {
    let text = info.as_str().unwrap_or_default();
    let id = text.lines().find_map(|line| line.strip_prefix("run_id:"));
    id.unwrap_or_default().trim().to_owned()
}

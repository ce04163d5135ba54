//! Decoding of replies.

use fred::{bytes::Bytes, types::Value};
use user_streams_core::{Error, ErrorKind, Result};

/// An integer reply that is a count.
pub(crate) fn count(reply: &Value) -> Result<u64> {
    reply.as_u64().ok_or_else(unexpected)
}

/// How many streams have changed, and the places of the keys that are of another type.
pub(crate) fn changed(reply: Value) -> Result<(u64, Vec<usize>)> {
    let Value::Array(parts) = reply else { return Ok((count(&reply)?, Vec::new())) };
    let [changed, foreign] = parts.try_into().map_err(|_: Vec<Value>| unexpected())?;
    let place = |place: &Value| {
        let place = place.as_usize().and_then(|place| place.checked_sub(1));
        place.ok_or_else(unexpected)
    };
    Ok((count(&changed)?, array(foreign)?.iter().map(place).collect::<Result<_>>()?))
}

/// For each of several streams, whether it has changed, or nothing if that failed.
pub(crate) fn each(reply: Value) -> Result<Vec<Option<u64>>> {
    let one = |reply: &Value| match reply.as_i64() {
        Some(-1) => Ok(None),
        _ => count(reply).map(Some),
    };
    array(reply)?.iter().map(one).collect()
}

/// An array reply.
pub(crate) fn array(reply: Value) -> Result<Vec<Value>> {
    match reply {
        Value::Array(values) => Ok(values),
        _ => Err(unexpected()),
    }
}

/// A string reply, as bytes.
pub(crate) fn bytes(reply: Value) -> Result<Bytes> {
    reply.into_bytes().ok_or_else(unexpected)
}

/// An array reply of strings, such as the members of a sorted set.
pub(crate) fn byte_strings(reply: Value) -> Result<Vec<Bytes>> {
    array(reply)?.into_iter().map(bytes).collect()
}

/// The names and values of a reply to `CONFIG GET`: an array in RESP2, a map in RESP3.
pub(crate) fn settings(reply: Value) -> Vec<(String, String)> {
    let mut texts = reply.into_array().into_iter().filter_map(Value::into_string);
    std::iter::from_fn(move || texts.next().zip(texts.next())).collect()
}

/// For a reply of a type that Redis never sends to this command.
pub(crate) fn unexpected() -> Error {
    Error::new(ErrorKind::Backend, "the server sent a reply of an unexpected type")
}

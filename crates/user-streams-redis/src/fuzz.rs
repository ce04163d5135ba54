//! What the project's own fuzz targets (`cargo xtask fuzz`) reach of the private parts: settings
//! without a connection, members and keys. Only with the feature `fuzz`, which is not covered by
//! semver.

use user_streams_core::{
    Cursor, Error, ErrorKind, Name, NewItem, Result, StreamItem, UserId, UserIdKind,
    backend::{ConnectArgs, WaitLimit},
};

use crate::{
    RedisConfig,
    backend::check_shared_content,
    client::target::{Target, Topology},
    storage::{
        keys::Keys,
        member::{self, Damage, Member},
    },
};

/// What connecting does before it opens a connection. The result is what `Debug` shows of it.
///
/// # Errors
/// Those of connecting.
pub fn parse(args: &ConnectArgs) -> Result<String> {
    let config: RedisConfig = args.options.parse()?;
    let target = Target::new(&args.url, config.client_arguments.clone(), config.limits()?)?;
    check_shared_content(&config, matches!(target.topology, Topology::Cluster))?;
    let keys = Keys::new(&config.key_prefix)?;
    WaitLimit::new(config.max_waiting)?;
    Ok(format!("{config:?} {target:?} {keys:?}"))
}

/// The user, password, host, port and database of a URL.
///
/// # Errors
/// `InvalidSettings` if it is malformed.
pub fn server(url: &str) -> Result<[Option<String>; 5]> {
    let config = RedisConfig::new();
    let target = Target::new(url, config.client_arguments.clone(), config.limits()?)?;
    let address = target.first_host()?;
    let (host, port) = (address.host.clone(), address.port.to_string());
    let database = target.arguments.database.map(|number| number.to_string());
    Ok([target.arguments.user, target.arguments.password, Some(host), Some(port), database])
}

/// The member of an item, and the one it has if its content is shared.
pub fn encode(item: &NewItem) -> [Vec<u8>; 2] {
    [member::encode(item), member::encode_shared(item)].map(|member| member.to_vec())
}

/// The item of a member, and whether its content is shared.
///
/// # Errors
/// `Corrupt` if the library has not written it.
pub fn decode(bytes: &[u8]) -> Result<(StreamItem, bool)> {
    let corrupt = |damage: Damage| Error::new(ErrorKind::Corrupt, damage.to_string());
    let member = Member::parse(bytes).map_err(corrupt)?;
    Ok((member.item().map_err(corrupt)?, member.is_shared()))
}

/// The first bytes of a member.
pub fn sort_key(cursor: Cursor) -> [u8; member::SORT_KEY_LEN] {
    member::sort_key(cursor)
}

/// The keys of a user's stream and of the user's marks; in a named feed, if there is one.
///
/// # Errors
/// `InvalidSettings` if the prefix could form the keys of another.
pub fn keys(prefix: &str, feed: Option<&Name>, user: &UserId) -> Result<[Vec<u8>; 2]> {
    let mut keys = Keys::new(prefix)?;
    if let Some(feed) = feed {
        keys = keys.feed(feed);
    }
    Ok([keys.stream(user)?, keys.marks(user)?].map(|key| key.to_vec()))
}

/// The user whose stream is at a key.
///
/// # Errors
/// `InvalidSettings` if the prefix could form the keys of another.
pub fn user_of(prefix: &str, key: &[u8]) -> Result<Option<UserId>> {
    Ok(Keys::new(prefix)?.user(key, UserIdKind::Text))
}

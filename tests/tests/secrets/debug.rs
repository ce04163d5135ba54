//! The `Debug` of every public type: of those that are made without a server here, of the others in
//! `servers`; and that none is forgotten.

use std::{fs, path::Path};

use user_streams_core::{
    Settings,
    backend::{ConnectArgs, Options, Registry},
};
use user_streams_many_to_many::ManyToManyConfig;
use user_streams_redis::{ClientArguments, RedisConfig};
use user_streams_single_table::SingleTableConfig;

use crate::shown;

/// The public types that can hold no password: what is stored and read, ids, sizes, names.
const PLAIN: &[&str] = &[
    "Audience",
    "BulkAdd",
    "Capabilities",
    "Capability",
    "Chunk",
    "ConnectionMetrics",
    "Contains",
    "Copied",
    "CountNewer",
    "CountQuery",
    "Cursor",
    "CursorPage",
    "DeleteRange",
    "DeleteStream",
    "Delivery",
    "Dialect",
    "ErrorKind",
    "Group",
    "GroupPermit",
    "Grouped",
    "Hint",
    "ItemId",
    "ListNewer",
    "ListUsers",
    "ManyToMany",
    "MarkQuery",
    "Mechanism",
    "Membership",
    "MemoryBackend",
    "MemoryConfig",
    "MergedPart",
    "MergedQuery",
    "Name",
    "NewItem",
    "OnCorrupt",
    "OpenConnection",
    "Page",
    "PageLink",
    "Position",
    "RecipientChunks",
    "Registration",
    "RemoveStreamItem",
    "RepairStream",
    "Schema",
    "SetMark",
    "SingleAdd",
    "SingleTable",
    "StoredKind",
    "StreamItem",
    "StreamQuery",
    "Synchronous",
    "Than",
    "Trimmed",
    "UnlinkedBackend",
    "UsedConnection",
    "UserId",
    "UserIdKind",
    "UsersCursor",
    "UsersPage",
    "Verification",
    "WaitLimit",
    "WaitPermit",
    "WaitingCall",
];
/// The crates whose types applications have.
const CRATES: &[&str] = &["user-streams", "core", "sql", "single-table", "many-to-many", "redis"];

pub(crate) async fn no_configuration_shows_a_password() {
    let url = "postgres://ann:s3cr3t@h/db?password=s3cr3t";
    let arguments = ClientArguments::new()
        .with_user("ann")
        .with_password("s3cr3t")
        .with_sentinel_login(Some("ann".to_owned()), "s3cr3t")
        .with_tls_ca_file("-----BEGIN CERTIFICATE-----\ns3cr3t\n")
        .with_tls_client_certificate(
            "-----BEGIN CERTIFICATE-----\ns3cr3t\n",
            "-----BEGIN PRIVATE KEY-----\ns3cr3t\n",
        );
    shown::check_debug(&arguments);
    shown::check_debug(&Some(arguments.clone()));
    shown::check_debug(&RedisConfig::new().with_client_arguments(arguments));
    shown::check_debug(&SingleTableConfig::new(url));
    shown::check_debug(&Some(ManyToManyConfig::new(url)));
    let settings = Settings::new(url).with_option("password", "s3cr3t");
    shown::check_debug(&settings);
    shown::check_debug(&Some(settings));
    let options: Options = serde_json::from_str(r#"{"password": "s3cr3t"}"#).unwrap();
    shown::check_debug(&options);
    shown::check_debug(&ConnectArgs::new(url, options));
    let registry = Registry::linked();
    shown::check_debug(&registry);
    registry.drivers().iter().for_each(|driver| shown::check_debug(*driver));
}

/// After all others, of which each notes the types that it shows.
pub(crate) async fn every_public_type_is_shown_or_plain() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut types = Vec::new();
    for name in CRATES {
        let folder = match *name {
            "user-streams" => (*name).to_owned(),
            name => format!("user-streams-{name}"),
        };
        find_types(&crates.join(folder).join("src"), &mut types);
    }
    assert!(types.len() > PLAIN.len(), "{types:?}");
    let is_forgotten = |name: &&String| !PLAIN.contains(&name.as_str()) && !shown::is_checked(name);
    let forgotten: Vec<_> = types.iter().filter(is_forgotten).collect();
    assert!(
        forgotten.is_empty(),
        "call `shown::check_debug` with a value that was made with a password, or add to `PLAIN` \
         what can hold none: {forgotten:?}"
    );
    let is_gone = |name: &&&str| !types.iter().any(|known| known == **name);
    let gone: Vec<_> = PLAIN.iter().filter(is_gone).collect();
    assert!(gone.is_empty(), "remove from `PLAIN`: {gone:?}");
}

/// The names of the public types in the files of a folder.
fn find_types(folder: &Path, types: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find_types(&path, types);
            continue;
        }
        for line in fs::read_to_string(&path).unwrap().lines() {
            let rest = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "));
            let name = rest.and_then(|rest| rest.split(|c: char| !c.is_alphanumeric()).next());
            types.extend(name.map(ToOwned::to_owned));
        }
    }
}

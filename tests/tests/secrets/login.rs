//! Makes logins with a password on the servers.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    process,
    sync::Arc,
};

use sea_orm::{ConnectionTrait, Database};
use serde_json::{Value, json};
use user_streams_test_servers::{self as servers, Kind, Profile, Server, start, start_sentinel};

const PASSWORD: &str = "s3cr3t/%";
const ENCODED: &str = "s3cr3t%2F%25";

/// The URLs of a login with its password, and of some that are refused.
#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) schemes: &'static [&'static str],
    pub(crate) right: String,
    pub(crate) wrong: Vec<String>,
    pub(crate) arguments: Option<Value>,
    /// Those of its own, which stop with it.
    _servers: Arc<Vec<Server>>,
}

const SQL: &[&str] = &["single-table+", "many-to-many+"];

/// For each kind of server, a login that is made on it, or why there is none. Making it is not
/// captured yet.
pub(crate) fn logins() -> Vec<(&'static str, Kind, Result<Login, String>)> {
    let on = |kind: Kind, make: fn(&str) -> Login| {
        let url = servers::url(kind).map_err(|error| format!("{error:#}"));
        (kind.title(), kind, url.map(|url| make(&url)))
    };
    vec![
        (Kind::Postgres.title(), Kind::Postgres, own(Kind::Postgres, postgres)),
        on(Kind::Mysql, mysql),
        on(Kind::Redis, redis),
        on(Kind::RedisCluster, redis),
        ("Redis Sentinel", Kind::Redis, own(Kind::Redis, sentinel)),
    ]
}

/// A login on a server of its own, unless no selected cell needs that server.
fn own(kind: Kind, make: fn(Server) -> Login) -> Result<Login, String> {
    if servers::cells::is_unneeded(kind) {
        return Err("not needed".to_owned());
    }
    start(kind, Profile::Fast).map(make).map_err(|error| format!("{error:#}"))
}

pub(crate) fn name() -> String {
    format!("us_secret_{}", process::id())
}

/// The scheme, the user, the address and the database of a URL.
fn parts(url: &str) -> (&str, &str, &str, &str) {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, address) = authority.rsplit_once('@').unwrap_or(("", authority));
    (scheme, login.split(':').next().unwrap(), address, database)
}

/// Runs statements, each in a session of its own.
fn run(url: &str, statements: &[String]) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        for sql in statements {
            let connection = Database::connect(url).await.unwrap();
            connection.execute_unprepared(sql).await.unwrap();
        }
    });
}

/// A server that asks this login for its password, by SCRAM; it lets its administrator in without.
fn postgres(server: Server) -> Login {
    let name = name();
    let role = format!("CREATE ROLE {name} LOGIN SUPERUSER PASSWORD '{PASSWORD}'");
    let logins = format!(
        "host all postgres 127.0.0.1/32 trust\nhost all {name} 127.0.0.1/32 scram-sha-256\n"
    );
    fs::write(server.directory().unwrap().join("data/pg_hba.conf"), logins).unwrap();
    run(&server.url, &[role, "SELECT pg_reload_conf()".to_owned()]);
    let (scheme, _, address, database) = parts(&server.url);
    let url =
        |user: &str, password: &str| format!("{scheme}://{user}:{password}@{address}/{database}");
    Login {
        schemes: SQL,
        right: url(&name, ENCODED),
        wrong: vec![
            url(&name, &format!("{ENCODED}x")),
            url("nobody", ENCODED),
            format!("{scheme}://{name}:{ENCODED}@{address}/nothing"),
            format!("{}?options=-c%20nothing%3Ds3cr3t", url(&name, ENCODED)),
        ],
        arguments: None,
        _servers: Arc::new(vec![server]),
    }
}

fn mysql(url: &str) -> Login {
    let (scheme, _, address, database) = parts(url);
    let name = name();
    run(
        url,
        &[
            format!("CREATE USER '{name}'@'%' IDENTIFIED BY '{PASSWORD}'"),
            format!("GRANT ALL ON {database}.* TO '{name}'@'%'"),
        ],
    );
    let url = |user: &str, password: &str, database: &str| {
        format!("{scheme}://{user}:{password}@{address}/{database}")
    };
    Login {
        schemes: SQL,
        right: url(&name, ENCODED, database),
        wrong: vec![
            url(&name, &format!("{ENCODED}x"), database),
            url("nobody", ENCODED, database),
            url(&name, ENCODED, "nothing"),
        ],
        arguments: None,
        _servers: Arc::default(),
    }
}

/// Adds a login to a Redis server or sentinel.
fn add_redis_user(address: &str) {
    let mut server = TcpStream::connect(address).unwrap();
    write!(server, "ACL SETUSER {} on >{PASSWORD} ~* &* +@all\r\n", name()).unwrap();
    let mut answer = [0; 5];
    server.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"+OK\r\n");
}

/// On one server, or on each of a cluster.
fn redis(url: &str) -> Login {
    let (scheme, rest) = url.split_once("://").unwrap();
    let nodes = rest.split(['/', '?', '&']).filter(|part| !part.is_empty());
    nodes.map(|node| node.strip_prefix("node=").unwrap_or(node)).for_each(add_redis_user);
    let url = |user: &str, password: &str| format!("{scheme}://{user}:{password}@{rest}");
    Login {
        schemes: &[""],
        right: url(&name(), ENCODED),
        wrong: vec![url(&name(), &format!("{ENCODED}x")), url("nobody", ENCODED)],
        arguments: None,
        _servers: Arc::default(),
    }
}

/// A sentinel that asks for a login of its own, and its server, which asks for the same.
fn sentinel(server: Server) -> Login {
    let (_, _, master, _) = parts(&server.url);
    add_redis_user(master);
    let sentinel = start_sentinel(master.rsplit_once(':').unwrap().1.parse().unwrap()).unwrap();
    let (_, _, address, _) = parts(&sentinel.url);
    add_redis_user(address);
    let url = |password: &str, service: &str| {
        format!("redis-sentinel://{}:{password}@{address}?sentinelServiceName={service}", name())
    };
    Login {
        schemes: &[""],
        right: url(ENCODED, "main"),
        wrong: vec![url(&format!("{ENCODED}x"), "main")],
        arguments: Some(json!({ "sentinel_user": name(), "sentinel_password": PASSWORD })),
        _servers: Arc::new(vec![server, sentinel]),
    }
}

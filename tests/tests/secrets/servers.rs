//! Logins with a password to a real server: an accepted one, and a refused one.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process,
};

use sea_orm::{ConnectionTrait, Database};
use user_streams_core::{ErrorKind, Settings, Streams};
use user_streams_test_servers::{self as test_servers, Kind};

use crate::shown;

const PASSWORD: &str = "s3cr3t/%";
const ENCODED: &str = "s3cr3t%2F%25";

/// The URLs of a login with its password, and of one that is refused.
#[derive(Clone)]
pub(crate) struct Login {
    schemes: &'static [&'static str],
    right: String,
    wrong: String,
}

/// For each kind of server, a login that is made on it, or why there is none. Making it is not
/// captured yet.
pub(crate) fn logins() -> [(Kind, Result<Login, String>); 3] {
    let login = |kind, make: fn(&str) -> Login| {
        let url = test_servers::url(kind);
        (kind, url.map(|url| make(&url)).map_err(|error| format!("{error:#}")))
    };
    [login(Kind::Postgres, postgres), login(Kind::Mysql, mysql), login(Kind::Redis, redis)]
}

const SQL: &[&str] = &["single-table+", "many-to-many+"];

fn name() -> String {
    format!("us_secret_{}", process::id())
}

/// The scheme, the user, the address and the database of a URL.
fn parts(url: &str) -> (&str, &str, &str, &str) {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, address) = authority.rsplit_once('@').unwrap_or(("", authority));
    (scheme, login.split(':').next().unwrap(), address, database)
}

fn run(url: &str, statements: &[String]) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let connection = Database::connect(url).await.unwrap();
        for sql in statements {
            connection.execute_unprepared(sql).await.unwrap();
        }
    });
}

/// The throwaway server accepts any password of an existing user.
fn postgres(url: &str) -> Login {
    let (scheme, user, address, database) = parts(url);
    Login {
        schemes: SQL,
        right: format!("{scheme}://{user}:{ENCODED}@{address}/{database}"),
        wrong: format!("{scheme}://{}:{ENCODED}@{address}/{database}", name()),
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
    Login {
        schemes: SQL,
        right: format!("{scheme}://{name}:{ENCODED}@{address}/{database}"),
        wrong: format!("{scheme}://{name}:{ENCODED}x@{address}/{database}"),
    }
}

fn redis(url: &str) -> Login {
    let (scheme, _, address, database) = parts(url);
    let name = name();
    let mut server = TcpStream::connect(address).unwrap();
    write!(server, "ACL SETUSER {name} on >{PASSWORD} ~* &* +@all\r\n").unwrap();
    let mut answer = [0; 5];
    server.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"+OK\r\n");
    Login {
        schemes: &[""],
        right: format!("{scheme}://{name}:{ENCODED}@{address}/{database}"),
        wrong: format!("{scheme}://{name}:{ENCODED}x@{address}/{database}"),
    }
}

pub(crate) async fn a_used_login_is_not_shown(login: Login) {
    for scheme in login.schemes {
        let settings = Settings::new(format!("{scheme}{}", login.right));
        shown::check("settings", &format!("{settings:?}\n{settings:#?}"));
        let settings = match scheme.is_empty() {
            true => settings.with_option("key_prefix", name()),
            false => settings.with_option("table", name() + &scheme[..4].replace('-', "_")),
        };
        let streams = Streams::connect(settings).await.unwrap();
        streams.migrate().await.unwrap();
        streams.add_stream_item([1, 2], "Hello").await.unwrap();
        let items = streams.get_stream_items(1);
        assert_eq!(items.count().await.unwrap(), 1);
        shown::check("streams", &format!("{streams:?}\n{streams:#?}\n{items:?}\n{items:#?}"));
        let error = streams.add_stream_item("a text", "Hello").await.map(drop).unwrap_err();
        shown::check_error("an error", &error);
        streams.delete_stream(1).await.unwrap();
        streams.delete_stream(2).await.unwrap();
        streams.close().await.unwrap();
        shown::check_error("closed", &streams.get_stream_items(1).count().await.unwrap_err());
    }
}

pub(crate) async fn a_refused_login_is_not_shown(login: Login) {
    for scheme in login.schemes {
        let error =
            Streams::connect(Settings::new(format!("{scheme}{}", login.wrong))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSettings, "{error}");
        shown::check_error("a refused login", &error);
    }
}

//! Hosts that do not exist, and a server that never answers.

use std::net::TcpListener;

use user_streams_core::Streams;

use crate::{
    malformed::{SCHEMES, settings},
    shown,
};

const LOGINS: &[&str] = &["ann:s3cr3t@", "ann:otS33%2Btb%2Fe4%3D@", ":s3cr3t@"];

async fn check(scheme: &str, rest: &str) {
    let what = format!("{scheme}{rest}");
    match Streams::connect(settings(scheme, rest)).await {
        // A file of SQLite, or the memory.
        Ok(_) => panic!("{what}: must be refused"),
        Err(error) => shown::check_error(&what, &error),
    }
}

pub(crate) async fn no_error_of_an_unreachable_server_shows_it() {
    for scheme in SCHEMES {
        for login in LOGINS {
            // Nothing listens on the port.
            for address in ["127.0.0.1:1/0", "[::1]:1/0", "no-such-host.invalid:1/0"] {
                check(scheme, &format!("://{login}{address}")).await;
            }
        }
    }
    check("redis-sentinel", "://ann:s3cr3t@127.0.0.1:1/0?sentinelServiceName=s3cr3t").await;
}

pub(crate) async fn no_error_of_a_server_that_hangs_shows_it() {
    // Connections are accepted by the system and never answered.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for scheme in SCHEMES {
        for login in LOGINS {
            check(scheme, &format!("://{login}127.0.0.1:{port}/0")).await;
        }
    }
    let sentinel = format!("://ann:s3cr3t@127.0.0.1:{port}/0?sentinelServiceName=main");
    check("redis-sentinel", &sentinel).await;
}

/// A connection that the server ends during the login.
pub(crate) async fn no_error_of_a_server_that_hangs_up_shows_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    for scheme in SCHEMES {
        check(scheme, &format!("://{}127.0.0.1:{port}/0", LOGINS[0])).await;
    }
}

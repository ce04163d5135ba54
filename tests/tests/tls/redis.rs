//! Redis.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::{Value, json};
use user_streams_core::Settings;
use user_streams_test_servers::{Kind, Profile, Tls, start, start_with};

use crate::{
    check::{refused, served},
    files::Files,
};

fn settings(url: &str, arguments: Value) -> Settings {
    Settings::new(url).with_option("client_arguments", arguments)
}

pub(crate) async fn test() {
    let files = Files::new(&["client"]);
    let mut server = start(Kind::Redis, Profile::Fast).unwrap();
    let port = server.url.rsplit_once(':').unwrap().1.to_owned();
    let ca = files.path("ca");
    let trusted = json!({ "tls_ca_file": ca });

    let reason = ["does not speak TLS", "`redis`"];
    for scheme in ["rediss", "rediss-cluster"] {
        let url = format!("{scheme}://:s3cret@localhost:{port}");
        refused("a server without TLS", settings(&url, trusted.clone()), &reason).await;
    }
    let url = format!("rediss-sentinel://:s3cret@localhost:{port}?sentinelServiceName=main");
    refused("a sentinel without TLS", settings(&url, trusted.clone()), &reason).await;

    let tls = Tls { certificate: &files.server, clients: None };
    let port = server.restart_with(Some(&tls)).unwrap();
    let url = format!("rediss://localhost:{port}");
    served("verified", settings(&url, trusted.clone())).await;
    for scheme in ["redis", "redis-cluster"] {
        let url = format!("{scheme}://:s3cret@localhost:{port}");
        refused("plain", settings(&url, json!({})), &["speaks TLS", "`rediss`"]).await;
    }
    let reason = ["not signed by an authority that is trusted", "tls_ca_file"];
    refused(
        "another authority",
        settings(&url, json!({ "tls_ca_file": files.path("other-ca") })),
        &reason,
    )
    .await;
    refused("the system's authorities", settings(&url, json!({})), &reason).await;
    let by_number = settings(&format!("rediss://127.0.0.1:{port}"), trusted.clone());
    refused("another name", by_number, &["not for the host", "localhost"]).await;
    for file in ["missing", "text"] {
        let settings = settings(&url, json!({ "tls_ca_file": files.path(file) }));
        refused(file, settings, &["tls_ca_file"]).await;
    }

    let port = server.restart_with(Some(&Tls { clients: Some(&files.authority), ..tls })).unwrap();
    let url = format!("rediss://localhost:{port}");
    let with = |certificate: &str, key: &str| {
        let (certificate, key) = (files.path(certificate), files.path(key));
        settings(
            &url,
            json!({ "tls_ca_file": ca, "tls_cert_file": certificate, "tls_key_file": key }),
        )
    };
    served("a client's certificate", with("client", "client.key")).await;
    let reason = ["wants a client's certificate", "tls_cert_file"];
    refused("no client's certificate", settings(&url, trusted.clone()), &reason).await;
    refused("a stranger's", with("stranger", "stranger.key"), &["tls_cert_file"]).await;
    refused("no such certificate", with("missing", "client.key"), &["tls_cert_file"]).await;
    refused("another's key", with("client", "stranger.key"), &["tls_key_file"]).await;
    let alone = json!({ "tls_ca_file": ca, "tls_cert_file": files.path("client") });
    refused("a certificate without its key", settings(&url, alone), &["tls_key_file"]).await;

    let port = server.restart_with(Some(&Tls { certificate: &files.expired, ..tls })).unwrap();
    let url = format!("rediss://localhost:{port}");
    refused("expired", settings(&url, trusted), &["has expired"]).await;
}

/// A cluster of one node, which announces its TLS port to clients that use TLS.
pub(crate) async fn cluster() {
    let files = Files::new(&["client"]);
    let mut server = start_with(Kind::Redis, Profile::Fast, &["--cluster-enabled", "yes"]).unwrap();
    let port = server.url.rsplit_once(':').unwrap().1.to_owned();
    let tls = Tls { certificate: &files.server, clients: None };
    let tls_port = server.restart_with(Some(&tls)).unwrap();
    let mut node = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    let slots: String =
        (0..16_384).map(|slot| format!("${}\r\n{slot}\r\n", slot.to_string().len())).collect();
    write!(node, "*16386\r\n$7\r\nCLUSTER\r\n$8\r\nADDSLOTS\r\n{slots}").unwrap();
    let mut answer = [0; 5];
    node.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"+OK\r\n");

    let trusted = json!({ "tls_ca_file": files.path("ca") });
    let url = |scheme: &str, host: &str| format!("{scheme}://{host}:{tls_port}");
    served("a cluster", settings(&url("rediss-cluster", "localhost"), trusted.clone())).await;
    let by_number = settings(&url("rediss-cluster", "127.0.0.1"), trusted);
    refused("another name", by_number, &["not for the host", "localhost"]).await;
    let plain = settings(&url("redis-cluster", "localhost"), json!({}));
    refused("plain", plain, &["speaks TLS", "`rediss`"]).await;
}

/// A program that configures TLS must not connect without it.
pub(crate) async fn arguments() {
    for name in ["tls_ca_file", "tls_cert_file", "tls_key_file"] {
        let settings = settings("redis://:s3cret@localhost:1", json!({ name: "x" }));
        refused(name, settings, &[name, "`rediss`"]).await;
    }
}

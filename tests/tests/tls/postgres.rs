//! PostgreSQL.

use sea_orm::{ConnectionTrait, Database};
use user_streams_core::Settings;
use user_streams_test_servers::{Kind, Profile, Tls, start};

use crate::{
    check::{refused, served},
    files::Files,
};

/// Who may connect: `postgres` in any way, two others only by TLS, one of them with a certificate.
const LOGINS: &str = "\
host    all postgres         127.0.0.1/32 trust
hostssl all tls_only         127.0.0.1/32 trust
hostssl all with_certificate 127.0.0.1/32 cert
";

pub(crate) async fn test() {
    let files = Files::new(&["with_certificate", "tls_only"]);
    let mut server = start(Kind::Postgres, Profile::Fast).unwrap();
    let address = server.url.rsplit_once('@').unwrap().1.replace("127.0.0.1", "localhost");
    let admin = Database::connect(&server.url).await.unwrap();
    for login in ["tls_only", "with_certificate"] {
        admin.execute_unprepared(&format!("CREATE ROLE {login} LOGIN SUPERUSER")).await.unwrap();
    }
    admin.close().await.unwrap();
    let url = |login: &str, parameters: &str| {
        Settings::new(format!("single-table+postgres://{login}:s3cret@{address}?{parameters}"))
    };
    let ca = files.path("ca");

    for mode in
        ["sslmode=require", "sslmode=verify-full", &format!("sslmode=verify-ca&sslrootcert={ca}")]
    {
        refused(mode, url("postgres", mode), &["does not speak TLS", "sslmode=disable"]).await;
    }
    served("a server without TLS, if it may", url("postgres", "")).await;

    std::fs::write(server.directory().unwrap().join("data/pg_hba.conf"), LOGINS).unwrap();
    let tls = Tls { certificate: &files.server, clients: Some(&files.authority) };
    server.restart_with(Some(&tls)).unwrap();
    let trusted = format!("sslmode=verify-full&sslrootcert={ca}");
    served("verified", url("tls_only", &trusted)).await;
    served("not verified", url("tls_only", "sslmode=require")).await;
    served("of its own accord", url("tls_only", "")).await;
    let settings = url("tls_only", "sslmode=disable");
    refused("plain", settings, &["without TLS", "sslmode=verify-full"]).await;

    let reason = ["not signed by an authority that is trusted", "sslrootcert"];
    for mode in ["verify-ca", "verify-full"] {
        let other = format!("sslmode={mode}&sslrootcert={}", files.path("other-ca"));
        refused("another authority", url("tls_only", &other), &reason).await;
    }
    refused("the public authorities", url("tls_only", "sslmode=verify-full"), &reason).await;
    let elsewhere = address.replace("localhost", "127.0.0.1");
    let by_number = |mode| {
        let url = format!("postgres://tls_only:s3cret@{elsewhere}?{mode}sslrootcert={ca}");
        Settings::new(format!("single-table+{url}"))
    };
    for mode in ["sslmode=verify-full&", ""] {
        refused("another name", by_number(mode), &["not for the host", "localhost"]).await;
    }
    for mode in ["sslmode=verify-ca&", "sslmode=require&"] {
        served("another name, which is not verified", by_number(mode)).await;
    }
    for file in ["missing", "text"] {
        let settings =
            url("tls_only", &format!("sslmode=verify-full&sslrootcert={}", files.path(file)));
        refused(file, settings, &["sslrootcert"]).await;
    }

    let with = |login: &str, name: &str| {
        let (certificate, key) = (files.path(name), files.path(&format!("{name}.key")));
        url(login, &format!("{trusted}&sslcert={certificate}&sslkey={key}"))
    };
    served("a client's certificate", with("with_certificate", "with_certificate")).await;
    let settings = url("with_certificate", &trusted);
    refused("no client's certificate", settings, &["wants a client's certificate", "sslcert"])
        .await;
    refused("a stranger's", with("with_certificate", "stranger"), &["client's certificate"]).await;
    refused("that of another login", with("with_certificate", "tls_only"), &["refused the login"])
        .await;
    refused("no such certificate", with("with_certificate", "missing"), &["sslcert"]).await;
    let settings =
        url("with_certificate", &format!("{trusted}&sslcert={}", files.path("with_certificate")));
    refused("a certificate without its key", settings, &["sslkey"]).await;

    server.restart_with(Some(&Tls { certificate: &files.expired, ..tls })).unwrap();
    refused("expired", url("tls_only", &trusted), &["has expired"]).await;
}

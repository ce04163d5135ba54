//! MariaDB, or MySQL.

use sea_orm::{ConnectionTrait, Database};
use user_streams_core::Settings;
use user_streams_test_servers::{Kind, Profile, Tls, start};

use crate::{
    check::{refused, served},
    files::Files,
};

pub(crate) async fn test() {
    let files = Files::new(&["with_certificate"]);
    let mut server = start(Kind::Mysql, Profile::Fast).unwrap();
    let address = server.url.rsplit_once('@').unwrap().1.replace("127.0.0.1", "localhost");
    let url = server.url.clone();
    let admin = async |sql: &str| {
        let admin = Database::connect(&url).await.unwrap();
        admin.execute_unprepared(sql).await.unwrap();
        admin.close().await.unwrap();
    };
    for (login, requires) in
        [("somebody", "NONE"), ("tls_only", "SSL"), ("with_certificate", "X509")]
    {
        admin(&format!("CREATE USER {login}@'%' IDENTIFIED BY 's3cret' REQUIRE {requires}")).await;
        admin(&format!("GRANT ALL ON user_streams.* TO {login}@'%'")).await;
    }
    let url = |login: &str, parameters: &str| {
        Settings::new(format!("single-table+mysql://{login}:s3cret@{address}?{parameters}"))
    };
    let ca = files.path("ca");

    for mode in [
        "ssl-mode=REQUIRED",
        "ssl-mode=VERIFY_IDENTITY",
        &format!("ssl-mode=VERIFY_CA&ssl-ca={ca}"),
    ] {
        refused(mode, url("somebody", mode), &["does not speak TLS", "ssl-mode=DISABLED"]).await;
    }
    served("a server without TLS, if it may", url("somebody", "")).await;

    let tls = Tls { certificate: &files.server, clients: Some(&files.authority) };
    server.restart_with(Some(&tls)).unwrap();
    let trusted = format!("ssl-mode=VERIFY_IDENTITY&ssl-ca={ca}");
    served("verified", url("tls_only", &trusted)).await;
    served("not verified", url("tls_only", "ssl-mode=REQUIRED")).await;
    served("of its own accord", url("tls_only", "")).await;
    refused("plain", url("tls_only", "ssl-mode=DISABLED"), &["refused the login"]).await;
    admin("SET GLOBAL require_secure_transport = ON").await;
    let settings = url("somebody", "ssl-mode=DISABLED");
    // MySQL says why; MariaDB refuses the login.
    refused("plain to a server that takes none", settings, &[""]).await;

    let reason = ["not signed by an authority that is trusted", "ssl-ca"];
    for mode in ["VERIFY_CA", "VERIFY_IDENTITY"] {
        let other = format!("ssl-mode={mode}&ssl-ca={}", files.path("other-ca"));
        refused("another authority", url("tls_only", &other), &reason).await;
    }
    refused("the public authorities", url("tls_only", "ssl-mode=VERIFY_IDENTITY"), &reason).await;
    let elsewhere = address.replace("localhost", "127.0.0.1");
    let by_number = |mode| {
        let url = format!("mysql://tls_only:s3cret@{elsewhere}?{mode}ssl-ca={ca}");
        Settings::new(format!("single-table+{url}"))
    };
    for mode in ["ssl-mode=VERIFY_IDENTITY&", ""] {
        refused("another name", by_number(mode), &["not for the host", "localhost"]).await;
    }
    for mode in ["ssl-mode=VERIFY_CA&", "ssl-mode=REQUIRED&"] {
        served("another name, which is not verified", by_number(mode)).await;
    }
    for file in ["missing", "text"] {
        let settings =
            url("tls_only", &format!("ssl-mode=VERIFY_IDENTITY&ssl-ca={}", files.path(file)));
        refused(file, settings, &["ssl-ca"]).await;
    }

    let with = |name: &str| {
        let (certificate, key) = (files.path(name), files.path(&format!("{name}.key")));
        url("with_certificate", &format!("{trusted}&ssl-cert={certificate}&ssl-key={key}"))
    };
    served("a client's certificate", with("with_certificate")).await;
    refused("no client's certificate", url("with_certificate", &trusted), &["refused the login"])
        .await;
    refused("a stranger's", with("stranger"), &["client's certificate"]).await;
    refused("no such certificate", with("missing"), &["ssl-cert"]).await;
    let settings =
        url("with_certificate", &format!("{trusted}&ssl-cert={}", files.path("with_certificate")));
    refused("a certificate without its key", settings, &["ssl-key"]).await;

    server.restart_with(Some(&Tls { certificate: &files.expired, ..tls })).unwrap();
    refused("expired", url("tls_only", &trusted), &["has expired"]).await;
}

//! Files of TLS that cannot be used, and whose text is secret; and such a text in place of a path.

use std::{fs, path::Path};

use serde_json::json;
use user_streams_core::{Settings, Streams};
use user_streams_test_servers::Authority;

use crate::shown;

/// The texts of key files that are none: each has the password in it.
const KEYS: &[&str] = &[
    "s3cr3t",
    "",
    "-----BEGIN PRIVATE KEY-----\ns3cr3t\n-----END PRIVATE KEY-----\n",
    "-----BEGIN PRIVATE KEY-----\ns3cr3t",
    "-----BEGIN s3cr3t-----\ns3cr3t\n-----END s3cr3t-----\n",
    "-----BEGIN PRIVATE KEY-----\n(s3cr3t)\n-----END PRIVATE KEY-----\n",
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,s3cr3t\n\n\
     s3cr3t\n-----END RSA PRIVATE KEY-----\n",
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\ns3cr3t\n-----END ENCRYPTED PRIVATE KEY-----\n",
];

async fn refused(settings: Settings) {
    shown::check_debug(&settings);
    match Streams::connect(settings).await {
        Ok(_) => panic!("there is no such server"),
        Err(error) => shown::check_error("TLS", &error),
    }
}

/// Connects each backend with these files, none of which needs to exist.
async fn connect(certificate: &str, key: &str) {
    let encode = |path: &str| path.replace('%', "%25").replace('\n', "%0A").replace(' ', "%20");
    let (in_url, key_in_url) = (encode(certificate), encode(key));
    for layout in ["single-table", "many-to-many"] {
        for (scheme, parameters) in [
            ("postgres", format!("sslmode=require&sslcert={in_url}&sslkey={key_in_url}")),
            ("postgres", format!("sslmode=verify-full&sslrootcert={key_in_url}")),
            ("mysql", format!("ssl-mode=REQUIRED&ssl-cert={in_url}&ssl-key={key_in_url}")),
            ("mysql", format!("ssl-mode=VERIFY_CA&ssl-ca={key_in_url}")),
        ] {
            let url = format!("{layout}+{scheme}://ann:s3cr3t@127.0.0.1:1/db?{parameters}");
            refused(Settings::new(url).with_option("connect_timeout", 0.3)).await;
        }
    }
    for (scheme, parameters) in
        [("rediss", ""), ("rediss-cluster", ""), ("rediss-sentinel", "?sentinelServiceName=main")]
    {
        let url = format!("{scheme}://ann:s3cr3t@127.0.0.1:1{parameters}");
        for arguments in [
            json!({ "tls_cert_file": certificate, "tls_key_file": key }),
            json!({ "tls_cert_file": key, "tls_key_file": key }),
            json!({ "tls_ca_file": key }),
        ] {
            let settings = Settings::new(&url).with_option("client_arguments", arguments);
            refused(settings.with_option("connect_timeout", 0.3)).await;
        }
    }
}

pub(crate) async fn no_error_of_a_file_of_tls_shows_its_text() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let login = Authority::new("ours").unwrap().client("ann").unwrap();
    let certificate = write("client", &login.certificate);
    for (number, key) in KEYS.iter().enumerate() {
        connect(&certificate, &write(&format!("key-{number}"), key)).await;
    }
    connect(&certificate, "/no/such/file").await;
    connect(&certificate, &Path::new("/").display().to_string()).await;
}

/// The mistake of who writes the key into the variable that is for its path.
pub(crate) async fn no_error_of_a_key_in_place_of_its_path_shows_it() {
    for key in KEYS.iter().filter(|key| key.starts_with("-----BEGIN")) {
        connect(key, key).await;
    }
}

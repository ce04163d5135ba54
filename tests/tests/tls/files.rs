//! The certificates of the tests, and the files for URLs.

use tempfile::TempDir;
use user_streams_test_servers::{Authority, Certificate};

pub(crate) struct Files {
    directory: TempDir,
    /// Signs the certificates of servers and clients.
    pub(crate) authority: Authority,
    /// For `localhost`, and not for 127.0.0.1.
    pub(crate) server: Certificate,
    pub(crate) expired: Certificate,
}

impl Files {
    /// The files that clients read: `ca`, `other-ca`, `text`, and `NAME` and `NAME.key` of each of
    /// these logins, and of `stranger`, signed by another authority.
    pub(crate) fn new(logins: &[&str]) -> Self {
        let (authority, other) =
            (Authority::new("ours").unwrap(), Authority::new("another").unwrap());
        let server = authority.server(&["localhost"]).unwrap();
        let expired = authority.expired_server(&["localhost"]).unwrap();
        let files = Self { directory: tempfile::tempdir().unwrap(), authority, server, expired };
        files.write("ca", files.authority.pem());
        files.write("other-ca", other.pem());
        files.write("text", "no certificate");
        for login in logins {
            files.write_pair(login, &files.authority.client(login).unwrap());
        }
        files.write_pair("stranger", &other.client(logins[0]).unwrap());
        files
    }

    fn write_pair(&self, name: &str, pair: &Certificate) {
        self.write(name, &pair.certificate);
        self.write(&format!("{name}.key"), &pair.key);
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.directory.path().join(name), text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }
}

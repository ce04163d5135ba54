//! A password login to MySQL 8 or later without TLS. The error of a build without the feature
//! `mysql-rsa` is tested in `tests/fixtures/without-tls`.

use user_streams_core::Settings;
use user_streams_test_servers::PasswordServer;

use crate::check::refused;

pub(crate) async fn test() {
    let server = PasswordServer::start().unwrap();
    let url = format!("mysql://ann:s3cret@127.0.0.1:{}/d?ssl-mode=DISABLED", server.port);
    refused(
        "a wrong password",
        Settings::new(format!("single-table+{url}")),
        &["refused the login"],
    )
    .await;
    // As long as the key; unencrypted it would have seven bytes.
    assert_eq!(server.passwords.try_recv(), Ok(256));
}

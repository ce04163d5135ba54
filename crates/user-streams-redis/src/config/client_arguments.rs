//! Connection options that complement the URL.

use std::fmt;

/// The logins, the database and the files of TLS; as JSON, the object in
/// `USER_STREAMS_REDIS_CLIENT_ARGUMENTS`.
///
/// Arguments of redis-py are understood, or refused with the name that they have here.
///
/// `Debug` hides the passwords.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct ClientArguments {
    /// The user, by the server's access control list; also `username`. In the URL:
    /// `redis://user:password@host`.
    pub user: Option<String>,
    /// The password. In the URL: `redis://:password@host`.
    pub password: Option<String>,
    /// The number of the database, 0 by default; also `db`. In the URL: `redis://host/2`. A cluster
    /// has database 0 alone.
    pub database: Option<u8>,
    /// The user at the sentinels, if they require one.
    pub sentinel_user: Option<String>,
    /// The password at the sentinels, if they require one.
    pub sentinel_password: Option<String>,
    /// A PEM file of the authorities that may sign the server's certificate, instead of the
    /// system's; also `ssl_ca_certs`. For `rediss`.
    pub tls_ca_file: Option<String>,
    /// A PEM file of the client's certificate, with any intermediate ones; also `ssl_certfile`. For
    /// `rediss`.
    pub tls_cert_file: Option<String>,
    /// A PEM file of that certificate's key; also `ssl_keyfile`.
    pub tls_key_file: Option<String>,
}

impl ClientArguments {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the user.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Sets the password.
    #[must_use]
    pub fn with_password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Sets the number of the database.
    #[must_use]
    pub fn with_database(mut self, database: u8) -> Self {
        self.database = Some(database);
        self
    }

    /// Sets the user and the password at the sentinels.
    #[must_use]
    pub fn with_sentinel_login(
        mut self,
        user: Option<String>,
        password: impl Into<String>,
    ) -> Self {
        self.sentinel_user = user;
        self.sentinel_password = Some(password.into());
        self
    }

    /// Sets the file of the authorities that may sign the server's certificate, instead of the
    /// system's.
    #[must_use]
    pub fn with_tls_ca_file(mut self, path: impl Into<String>) -> Self {
        self.tls_ca_file = Some(path.into());
        self
    }

    /// Sets the files of the client's certificate and its key.
    #[must_use]
    pub fn with_tls_client_certificate(
        mut self,
        cert_file: impl Into<String>,
        key_file: impl Into<String>,
    ) -> Self {
        self.tls_cert_file = Some(cert_file.into());
        self.tls_key_file = Some(key_file.into());
        self
    }

    /// The name of an argument of TLS, if one is set.
    pub(crate) fn tls_name(&self) -> Option<&'static str> {
        let names = [
            (&self.tls_ca_file, "tls_ca_file"),
            (&self.tls_cert_file, "tls_cert_file"),
            (&self.tls_key_file, "tls_key_file"),
        ];
        names.into_iter().find_map(|(argument, name)| argument.is_some().then_some(name))
    }
}

impl fmt::Debug for ClientArguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |secret: &Option<String>| secret.as_ref().map(|_| "(hidden)");
        let path = |path: &Option<String>| {
            path.clone().map(|path| if is_pem(&path) { "(hidden)".to_owned() } else { path })
        };
        f.debug_struct("ClientArguments")
            .field("user", &self.user)
            .field("password", &hidden(&self.password))
            .field("database", &self.database)
            .field("sentinel_user", &self.sentinel_user)
            .field("sentinel_password", &hidden(&self.sentinel_password))
            .field("tls_ca_file", &path(&self.tls_ca_file))
            .field("tls_cert_file", &path(&self.tls_cert_file))
            .field("tls_key_file", &path(&self.tls_key_file))
            .finish()
    }
}

/// Whether this is what is in a file of TLS, which may be a key, and not its path.
pub(crate) fn is_pem(path: &str) -> bool {
    path.contains("-----BEGIN")
}

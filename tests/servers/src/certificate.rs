//! A certificate authority for the tests, and the certificates that it signs.

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};

/// Signs certificates of servers and of clients.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key, in PEM.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certificate.
    pub certificate: String,
    /// The key.
    pub key: String,
}

impl Authority {
    /// A new authority, which no client trusts yet.
    pub fn new(name: &str) -> Result<Self> {
        let mut params = params(name, &[])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().context("cannot make a key")?;
        let pem = params.self_signed(&key).context("cannot make an authority")?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem })
    }

    /// The authority's own certificate, in PEM, for clients to trust.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A server certificate for these host names and addresses.
    pub fn server(&self, hosts: &[&str]) -> Result<Certificate> {
        self.sign(params("server", hosts)?, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// An expired server certificate.
    pub fn expired_server(&self, hosts: &[&str]) -> Result<Certificate> {
        let mut params = params("server", hosts)?;
        params.not_after = date_time_ymd(2020, 1, 1);
        self.sign(params, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A client certificate; a server may take its name as the login.
    pub fn client(&self, name: &str) -> Result<Certificate> {
        self.sign(params(name, &[])?, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn sign(
        &self,
        mut params: CertificateParams,
        purpose: ExtendedKeyUsagePurpose,
    ) -> Result<Certificate> {
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate().context("cannot make a key")?;
        let signed = params.signed_by(&key, &self.issuer).context("cannot sign a certificate")?;
        Ok(Certificate { certificate: signed.pem(), key: key.serialize_pem() })
    }
}

fn params(name: &str, hosts: &[&str]) -> Result<CertificateParams> {
    let hosts: Vec<_> = hosts.iter().map(|&host| host.to_owned()).collect();
    let mut params =
        CertificateParams::new(hosts).context("cannot make a certificate for these hosts")?;
    params.distinguished_name.push(DnType::CommonName, name);
    // Valid even where the clock is wrong.
    params.not_before = date_time_ymd(2019, 1, 1);
    Ok(params)
}

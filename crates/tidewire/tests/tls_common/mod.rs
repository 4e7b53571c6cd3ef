//! What the TLS tests share: an authority that issues certificates, and both ends of a connection.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::time::Duration;
use tidewire::tls::{ClientTls, ServerTls, TlsError, TlsStream};
use tokio::io::duplex;

pub const PATIENCE: Duration = Duration::from_secs(60);

/// A certificate authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
}

/// A certificate and its key, as PEM.
pub struct Identity {
    pub chain: String,
    pub key: String,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { issuer, pem }
    }

    pub fn issue(&self, names: &[&str]) -> Identity {
        self.issue_with(names, |_| ())
    }

    pub fn issue_with(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Identity {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity {
            chain: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    /// A server with a certificate for these names.
    pub fn server(&self, names: &[&str]) -> ServerTls {
        let identity = self.issue(names);
        ServerTls::from_pem(&identity.chain, &identity.key).unwrap()
    }

    /// A client that trusts this authority and no other.
    pub fn client(&self) -> ClientTls {
        ClientTls::new().root_pem(&self.pem).only_added_roots()
    }
}

/// A client and a server that trust each other, for `localhost` and `127.0.0.1`.
pub fn both() -> (ClientTls, ServerTls) {
    let authority = Authority::new("Test CA");
    let server = authority.server(&["localhost", "127.0.0.1"]);
    (authority.client(), server)
}

/// The handshake over any two ends of a connection.
pub async fn meet<A: tidewire::Io, B: tidewire::Io>(
    client: &ClientTls,
    server: &ServerTls,
    a: A,
    b: B,
) -> (Result<TlsStream, TlsError>, Result<TlsStream, TlsError>) {
    let both = async { tokio::join!(client.connect("localhost", a), server.accept(b)) };
    tokio::time::timeout(PATIENCE, both).await.unwrap()
}

/// Both ends of a TLS connection over a pipe that holds `capacity` bytes each way.
pub async fn pair(capacity: usize) -> (TlsStream, TlsStream) {
    let (client, server) = both();
    let (a, b) = duplex(capacity);
    let (a, b) = meet(&client, &server, a, b).await;
    (a.unwrap(), b.unwrap())
}

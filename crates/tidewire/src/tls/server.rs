//! [`ServerTls`]: how a server speaks TLS.

use super::error::{End, TlsError};
use super::session::Session;
use super::sni;
use super::stream::TlsStream;
use super::{handshake, pem, provider};
use crate::driver::stream::{Io, Stream};
use rustls::server::{
    ClientHello, NoServerSessionStorage, ResolvesServerCert, UnbufferedServerConnection,
    WebPkiClientVerifier,
};
use rustls::sign::CertifiedKey;
use rustls::{KeyLogFile, RootCertStore, ServerConfig};
use std::fmt;
use std::future::Future;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

/// How a server speaks TLS. Cheap to clone; clones share the certificate, which can be
/// [replaced](Self::reload_pem) while they serve.
///
/// Default: TLS 1.2 and 1.3, ALPN `http/1.1`, no client certificates, and sessions that clients may
/// resume with tickets: the server keeps nothing for them.
#[derive(Clone)]
pub struct ServerTls {
    config: Arc<ServerConfig>,
    certificate: Arc<Certificate>,
}

impl ServerTls {
    /// `chain`: the server's certificate, then those of its issuers up to the root, as PEM; `key`: its
    /// private key, as PEM, not encrypted.
    ///
    /// # Errors
    ///
    /// [`TlsError::Config`] if one of them cannot be used, or they do not belong together.
    pub fn from_pem(chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Self, TlsError> {
        let certificate = Arc::new(Certificate {
            current: RwLock::new(certified(chain.as_ref(), key.as_ref())?),
        });
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::of_config(&error))?;
        let config = builder
            .with_no_client_auth()
            .with_cert_resolver(certificate.clone());
        Ok(Self {
            config: Arc::new(finish(config, vec![b"http/1.1".to_vec()])?),
            certificate,
        })
    }

    /// As [`from_pem`](Self::from_pem), from two files. Reads them at once, on this thread.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem), and if a file cannot be read; the error names it.
    pub fn from_files(chain: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self, TlsError> {
        let read = |path: &Path| {
            std::fs::read(path)
                .map_err(|error| TlsError::Config(format!("{}: {error}", path.display())))
        };
        Self::from_pem(read(chain.as_ref())?, read(key.as_ref())?)
    }

    /// Accepts only clients that show a certificate issued by one of the authorities in `ca_pem`.
    /// [`TlsStream::peer_certificates`] tells who they are. Default: clients are not asked for one.
    ///
    /// # Errors
    ///
    /// [`TlsError::Config`] if `ca_pem` cannot be used.
    pub fn require_client_certificates(self, ca_pem: impl AsRef<[u8]>) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in pem::certificates(ca_pem.as_ref())? {
            roots.add(certificate).map_err(|error| {
                TlsError::Config(format!("a CA of clients cannot be used: {error}"))
            })?;
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .map_err(|error| TlsError::Config(format!("the CA of clients: {error}")))?;
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::of_config(&error))?;
        let mut config = builder
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(self.certificate.clone());
        config.key_log = self.config.key_log.clone();
        // Tickets of their own: one from before proves no certificate.
        let config = finish(config, self.config.alpn_protocols.clone())?;
        Ok(Self {
            config: Arc::new(config),
            ..self
        })
    }

    /// The application protocols to agree to (ALPN), the preferred one first. Default `http/1.1`. A
    /// client that offers only others is refused. None: whatever a client offers is ignored.
    #[must_use]
    pub fn alpn<P: AsRef<[u8]>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        let protocols = protocols.into_iter();
        let protocols = protocols.map(|name| name.as_ref().to_vec()).collect();
        Arc::make_mut(&mut self.config).alpn_protocols = protocols;
        self
    }

    /// Writes the session keys to the file that the environment variable `SSLKEYLOGFILE` names, for
    /// Wireshark. Who reads that file reads the connections. Default: not, even if the variable is set.
    #[must_use]
    pub fn key_log_from_env(mut self) -> Self {
        Arc::make_mut(&mut self.config).key_log = Arc::new(KeyLogFile::new());
        self
    }

    /// Replaces the certificate, for this and all clones: new handshakes use it, open connections go
    /// on.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem); the old certificate stays in use.
    pub fn reload_pem(
        &self,
        chain: impl AsRef<[u8]>,
        key: impl AsRef<[u8]>,
    ) -> Result<(), TlsError> {
        let new = certified(chain.as_ref(), key.as_ref())?;
        let current = &self.certificate.current;
        *current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// Performs the handshake over `io`.
    ///
    /// It has no deadline: bound it with `tokio::time::timeout`.
    ///
    /// # Errors
    ///
    /// See [`TlsError`]. The client has been told why with an alert, if it could be: for that, the
    /// error may come up to a second later.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it resolves, the stream is dropped with it.
    pub fn accept<S: Io>(
        &self,
        io: S,
    ) -> impl Future<Output = Result<TlsStream, TlsError>> + Send + use<S> {
        let connection = UnbufferedServerConnection::new(self.config.clone());
        Box::pin(async move {
            let connection = connection.map_err(|error| TlsError::of_config(&error))?;
            let session = Session::Server(connection);
            handshake::perform(Stream::new(io), session, End::Server).await
        })
    }
}

/// What every configuration has besides its certificates.
fn finish(mut config: ServerConfig, alpn: Vec<Vec<u8>>) -> Result<ServerConfig, TlsError> {
    config.alpn_protocols = alpn;
    config.ticketer =
        rustls::crypto::ring::Ticketer::new().map_err(|error| TlsError::of_config(&error))?;
    // A client without tickets would have the server remember it.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

fn certified(chain: &[u8], key: &[u8]) -> Result<Arc<CertifiedKey>, TlsError> {
    let (chain, key) = (pem::certificates(chain)?, pem::private_key(key)?);
    CertifiedKey::from_der(chain, key, &provider())
        .map(Arc::new)
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => TlsError::Config(
                "the private key does not belong to the certificate: the first certificate of the \
                 chain must be the server's own"
                    .into(),
            ),
            other => TlsError::of_config(&other),
        })
}

/// The certificate that new handshakes use.
#[derive(Debug)]
struct Certificate {
    current: RwLock<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        sni::asked_for(hello.server_name());
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Some(current.clone())
    }
}

impl fmt::Debug for ServerTls {
    /// Without keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").finish_non_exhaustive()
    }
}

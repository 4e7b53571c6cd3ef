//! [`ClientTls`]: how a client speaks TLS.

use super::error::{End, TlsError};
use super::session::Session;
use super::stream::TlsStream;
use super::verify::AcceptAny;
use super::{handshake, pem, provider, roots};
use crate::driver::stream::{Io, Stream};
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, KeyLogFile, RootCertStore};
use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock};

/// How a client speaks TLS. Cheap to clone; clones share the sessions that servers let them resume.
///
/// Default: TLS 1.2 and 1.3, the roots of the operating system (those of `SSL_CERT_FILE` and
/// `SSL_CERT_DIR` where they are set), ALPN `http/1.1`.
#[derive(Clone)]
pub struct ClientTls {
    chosen: Arc<Chosen>,
}

#[derive(Default)]
struct Chosen {
    options: Options,
    /// Made when it is first needed.
    config: OnceLock<Arc<ClientConfig>>,
}

#[derive(Clone)]
struct Options {
    roots: Roots,
    added: Vec<Vec<u8>>,
    identity: Option<Identity>,
    alpn: Vec<Vec<u8>>,
    server_name: Option<String>,
    key_log: bool,
    accept_any: bool,
}

#[derive(Clone, Copy, Debug)]
enum Roots {
    System,
    #[cfg(feature = "bundled-roots")]
    Bundled,
    OnlyAdded,
}

/// A client's own certificate, as PEM.
#[derive(Clone)]
struct Identity {
    chain: Vec<u8>,
    key: Vec<u8>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            roots: Roots::System,
            added: Vec::new(),
            identity: None,
            alpn: vec![b"http/1.1".to_vec()],
            server_name: None,
            key_log: false,
            accept_any: false,
        }
    }
}

impl Default for ClientTls {
    fn default() -> Self {
        // One for the whole process, so that every client with the defaults resumes sessions.
        static DEFAULT: OnceLock<ClientTls> = OnceLock::new();
        let make = || Self {
            chosen: Arc::default(),
        };
        DEFAULT.get_or_init(make).clone()
    }
}

impl ClientTls {
    /// The defaults. What cannot be used is an error of [`connect`](Self::connect).
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn change(self, change: impl FnOnce(&mut Options)) -> Self {
        let mut options = self.chosen.options.clone();
        change(&mut options);
        let config = OnceLock::new();
        Self {
            chosen: Arc::new(Chosen { options, config }),
        }
    }

    /// Trusts Mozilla's roots, which are compiled in, instead of the system's: for images that have no
    /// certificate store. They age with the program. Default: the system's.
    #[cfg(feature = "bundled-roots")]
    #[must_use]
    pub fn bundled_roots(self) -> Self {
        self.change(|options| options.roots = Roots::Bundled)
    }

    /// Trusts the certificate authorities in `pem` too. Default: none is added. Whoever has the key of
    /// one can be any server.
    #[must_use]
    pub fn root_pem(self, pem: impl AsRef<[u8]>) -> Self {
        self.change(|options| options.added.push(pem.as_ref().to_vec()))
    }

    /// Trusts only what [`root_pem`](Self::root_pem) added: pins a private authority. Default: the
    /// system's roots are trusted too.
    #[must_use]
    pub fn only_added_roots(self) -> Self {
        self.change(|options| options.roots = Roots::OnlyAdded)
    }

    /// Shows this certificate to servers that ask for one. `chain`: the certificate, then those of its
    /// issuers, as PEM; `key`: its private key, as PEM, not encrypted. Default: none is shown.
    #[must_use]
    pub fn client_certificate_pem(self, chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        let identity = Identity {
            chain: chain.as_ref().to_vec(),
            key: key.as_ref().to_vec(),
        };
        self.change(|options| options.identity = Some(identity))
    }

    /// The application protocols to offer (ALPN), the preferred one first. Default `http/1.1`. None:
    /// nothing is offered.
    #[must_use]
    pub fn alpn<P: AsRef<[u8]>>(self, protocols: impl IntoIterator<Item = P>) -> Self {
        let protocols = protocols.into_iter();
        let protocols = protocols.map(|name| name.as_ref().to_vec()).collect();
        self.change(|options| options.alpn = protocols)
    }

    /// The name to ask for (SNI) and to find in the server's certificate, instead of the host that is
    /// connected to. Default: that host.
    #[must_use]
    pub fn server_name(self, name: impl Into<String>) -> Self {
        self.change(|options| options.server_name = Some(name.into()))
    }

    /// Writes the session keys to the file that the environment variable `SSLKEYLOGFILE` names, for
    /// Wireshark. Who reads that file reads the connections. Default: not, even if the variable is set.
    #[must_use]
    pub fn key_log_from_env(self) -> Self {
        self.change(|options| options.key_log = true)
    }

    /// Accepts any certificate, from anybody: whoever sits in between reads and changes everything.
    /// For tests against servers with certificates that nobody issued;
    /// [`root_pem`](Self::root_pem) is the way for all else. Default: certificates are judged.
    #[must_use]
    pub fn danger_accept_any_certificate(self) -> Self {
        self.change(|options| options.accept_any = true)
    }

    /// Performs the handshake over `io`, which is connected to `host`: a name or an address, an IPv6
    /// address with or without brackets.
    ///
    /// It has no deadline: bound it with `tokio::time::timeout`.
    ///
    /// # Errors
    ///
    /// See [`TlsError`]. The server has been told why with an alert, if it could be.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it resolves, the stream is dropped with it.
    pub fn connect<S: Io>(
        &self,
        host: &str,
        io: S,
    ) -> impl Future<Output = Result<TlsStream, TlsError>> + Send + use<S> {
        let chosen = self.chosen.clone();
        let name = chosen.options.server_name.as_deref().unwrap_or(host);
        let name = server_name(name);
        Box::pin(async move {
            let name = name?;
            let connection = UnbufferedClientConnection::new(config(chosen).await?, name);
            let connection = connection.map_err(|error| TlsError::of_config(&error))?;
            let session = Session::Client(connection);
            handshake::perform(Stream::new(io), session, End::Client).await
        })
    }
}

fn server_name(host: &str) -> Result<ServerName<'static>, TlsError> {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    ServerName::try_from(bare.to_owned())
        .map_err(|_| TlsError::Config(format!("{host:?} is neither a DNS name nor an IP address")))
}

/// The configuration; made away from the runtime's threads, because it may read many files.
async fn config(chosen: Arc<Chosen>) -> Result<Arc<ClientConfig>, TlsError> {
    if let Some(config) = chosen.config.get() {
        return Ok(config.clone());
    }
    let made = tokio::task::spawn_blocking(move || {
        let config = chosen.options.build()?;
        Ok(chosen.config.get_or_init(|| Arc::new(config)).clone())
    });
    made.await
        .unwrap_or_else(|_| Err(TlsError::Config("the runtime is shutting down".into())))
}

impl Options {
    fn build(&self) -> Result<ClientConfig, TlsError> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::of_config(&error))?;
        let builder = if self.accept_any {
            let schemes = provider().signature_verification_algorithms;
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AcceptAny(schemes.supported_schemes())))
        } else {
            builder.with_root_certificates(self.roots()?)
        };
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => builder
                .with_client_auth_cert(
                    pem::certificates(&identity.chain)?,
                    pem::private_key(&identity.key)?,
                )
                .map_err(|error| TlsError::of_config(&error))?,
        };
        config.alpn_protocols.clone_from(&self.alpn);
        if self.key_log {
            config.key_log = Arc::new(KeyLogFile::new());
        }
        Ok(config)
    }

    fn roots(&self) -> Result<Arc<RootCertStore>, TlsError> {
        let none = || Arc::new(RootCertStore::empty());
        let base = match self.roots {
            // A machine without a store may do with what was added.
            Roots::System => match roots::system() {
                Err(error) if self.added.is_empty() => return Err(error),
                found => found.unwrap_or_else(|_| none()),
            },
            #[cfg(feature = "bundled-roots")]
            Roots::Bundled => Arc::new(roots::bundled()),
            Roots::OnlyAdded if self.added.is_empty() => {
                return Err(TlsError::Config(
                    "only added roots are to be trusted, but none was added: see root_pem".into(),
                ));
            }
            Roots::OnlyAdded => none(),
        };
        if self.added.is_empty() {
            return Ok(base);
        }
        let mut roots = Arc::unwrap_or_clone(base);
        for added in &self.added {
            for certificate in pem::certificates(added)? {
                roots.add(certificate).map_err(|error| {
                    TlsError::Config(format!("a root certificate cannot be used: {error}"))
                })?;
            }
        }
        Ok(Arc::new(roots))
    }
}

impl fmt::Debug for ClientTls {
    /// Without keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = &self.chosen.options;
        f.debug_struct("ClientTls")
            .field("roots", &options.roots)
            .field("added_roots", &options.added.len())
            .field("client_certificate", &options.identity.is_some())
            .field("server_name", &options.server_name)
            .field("accept_any_certificate", &options.accept_any)
            .finish_non_exhaustive()
    }
}

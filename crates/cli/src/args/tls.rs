//! How servers are told to speak TLS.

use std::path::PathBuf;

use clap::Args;

/// TLS of a server.
#[derive(Debug, Default, PartialEq, Eq, Args)]
pub(crate) struct TlsArgs {
    /// Speak TLS (wss://, https://) with this certificate and those of its issuers, in PEM
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_key",
        conflicts_with = "tls_dev"
    )]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Its private key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Speak TLS with a certificate of a local authority, made on first use and kept in your data
    /// folder (XDG_DATA_HOME, ~/.local/share/tidewire)
    #[arg(long)]
    pub(crate) tls_dev: bool,
}

//! TLS of a server: the user's own certificate, or one of a local authority.

mod authority;

use std::path::PathBuf;
use std::time::Duration;

use tidewire::tls::{ServerTls, TlsError, TlsStream};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::args::TlsArgs;

/// How long a client may take for its TLS handshake.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the command line asks for, and what to tell the user about it.
pub(crate) struct Tls {
    pub(crate) server: ServerTls,
    /// How clients come to trust the certificate; empty if that is the user's own affair.
    pub(crate) hint: String,
}

impl Tls {
    /// TLS for a server that listens on `host`; `None`: the command line asks for none.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(crate) fn new(args: &TlsArgs, host: &str) -> Result<Option<Self>, String> {
        if let (Some(chain), Some(key)) = (&args.tls_cert, &args.tls_key) {
            let server = ServerTls::from_files(chain, key).map_err(|error| error.to_string())?;
            let hint = String::new();
            return Ok(Some(Self { server, hint }));
        }
        if !args.tls_dev {
            return Ok(None);
        }
        Self::dev(host).map(Some)
    }

    /// With a certificate of the local authority, for localhost and `host`.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(crate) fn dev(host: &str) -> Result<Self, String> {
        let folder = data_folder()?.join("tls-dev");
        let issued = authority::issue(&folder, host)?;
        let server =
            ServerTls::from_pem(&issued.pem, &issued.pem).map_err(|error| error.to_string())?;
        let hint = hint(&issued, host);
        Ok(Self { server, hint })
    }
}

fn hint(issued: &authority::Issued, host: &str) -> String {
    let path = issued.authority.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/\\:._-+@".contains(c);
    let quoted = if path.chars().all(plain) {
        path.clone()
    } else {
        format!("'{path}'")
    };
    let mut hint = format!(
        "The certificate is for {}, issued by your own authority:\n  {path}\n\
         Make clients trust it:\n  \
         curl                     curl --cacert {quoted} …\n  \
         Python, tidewire         SSL_CERT_FILE={quoted} …\n  \
         Node                     NODE_EXTRA_CA_CERTS={quoted} …\n  \
         Firefox, Chromium        Settings > Certificates > Authorities > Import, for websites\n",
        issued.names.join(", "),
    );
    if !issued.covers_host {
        hint.push_str(&format!(
            "It is not for {host}: this authority vouches for local names and private addresses \
             only;\nuse --tls-cert and --tls-key with a certificate for that name.\n"
        ));
    }
    hint
}

/// The TLS handshake; `None`: the client left, or took too long.
pub(crate) async fn accept(tls: &ServerTls, tcp: TcpStream) -> Result<Option<TlsStream>, TlsError> {
    match timeout(PATIENCE, tls.accept(tcp)).await {
        Ok(Ok(stream)) => Ok(Some(stream)),
        Ok(Err(TlsError::Io(_))) | Err(_) => Ok(None),
        Ok(Err(error)) => Err(error),
    }
}

/// Where programs keep what belongs to this user: `XDG_DATA_HOME`, or what the system has for it.
fn data_folder() -> Result<PathBuf, String> {
    let variable = |name: &str| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path) // the XDG specification: relative ones are ignored
    };
    let usual = || {
        if cfg!(windows) {
            return variable("LOCALAPPDATA");
        }
        let home = variable("HOME")?;
        Some(home.join(if cfg!(target_os = "macos") {
            "Library/Application Support"
        } else {
            ".local/share"
        }))
    };
    let folder = variable("XDG_DATA_HOME").or_else(usual);
    folder
        .map(|folder| folder.join("tidewire"))
        .ok_or_else(|| "there is no home folder to keep a certificate in: set HOME or XDG_DATA_HOME, or use --tls-cert and --tls-key".to_owned())
}

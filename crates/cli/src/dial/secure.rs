//! How to speak TLS, as the flags say: whom to trust, and what to show.

use std::path::Path;

use tidewire::tls::ClientTls;

use super::identity;
use super::input::{self, Wrong};
use crate::args::DialArgs;

/// With the server.
pub(super) fn with_server(args: &DialArgs) -> Result<ClientTls, Wrong> {
    let mut tls = logged();
    if let Some(path) = &args.ca {
        tls = tls.root_pem(authorities(path)?).only_added_roots();
    }
    if let Some(shown) = identity::load(args)? {
        tls = tls.client_certificate_pem(shown.chain, shown.key);
    }
    if let Some(name) = &args.sni {
        tls = tls.server_name(name);
    }
    if !args.alpn.is_empty() {
        tls = tls.alpn(&args.alpn);
    }
    if args.no_check {
        tls = tls.danger_accept_any_certificate();
    }
    Ok(tls)
}

/// With a proxy: another party, so that what was said of the server does not count, but for a CA.
pub(super) fn with_proxy(args: &DialArgs) -> Result<ClientTls, Wrong> {
    let tls = logged();
    match &args.ca {
        Some(path) => Ok(tls.root_pem(authorities(path)?)),
        None => Ok(tls),
    }
}

/// Keys are logged where other programs do too.
fn logged() -> ClientTls {
    match std::env::var_os("SSLKEYLOGFILE") {
        Some(path) if !path.is_empty() => ClientTls::new().key_log_from_env(),
        _ => ClientTls::new(),
    }
}

/// The certificates of `--ca`, as PEM; one certificate in DER is taken too.
fn authorities(path: &Path) -> Result<Vec<u8>, Wrong> {
    let bytes = input::read("--ca", path)?;
    if identity::is_der(&bytes) {
        let one = pem::Pem::new("CERTIFICATE", bytes);
        return Ok(pem::encode(&one).into_bytes());
    }
    identity::certificates("--ca", path, &bytes)?;
    Ok(bytes)
}

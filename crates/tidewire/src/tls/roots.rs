//! The certificate authorities that a client trusts.

use super::error::TlsError;
use rustls::RootCertStore;
use std::sync::{Arc, Mutex, PoisonError};

/// Those of the system, once they were found.
static SYSTEM: Mutex<Option<Arc<RootCertStore>>> = Mutex::new(None);

/// The roots of the operating system, read once per process: some ten milliseconds.
pub(super) fn system() -> Result<Arc<RootCertStore>, TlsError> {
    let mut known = SYSTEM.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(roots) = &*known {
        return Ok(roots.clone());
    }
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Stores hold certificates that nobody can parse; those that can be are enough.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map(ToString::to_string);
        return Err(none_found(why.as_deref()));
    }
    let roots = Arc::new(roots);
    *known = Some(roots.clone());
    Ok(roots)
}

fn none_found(why: Option<&str>) -> TlsError {
    let why = why.map_or_else(String::new, |why| format!(" ({why})"));
    TlsError::NoRoots(format!(
        "this system has no certificate store{why}: install the package ca-certificates, name a file \
         in SSL_CERT_FILE, add a CA with ClientTls::root_pem, or compile Mozilla's roots in with \
         the feature bundled-roots and ClientTls::bundled_roots"
    ))
}

/// Mozilla's roots, as of when the crate `webpki-roots` was released.
#[cfg(feature = "bundled-roots")]
pub(super) fn bundled() -> RootCertStore {
    RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    }
}

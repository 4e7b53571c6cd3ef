//! Certificates and keys in PEM.

use super::error::TlsError;
use rustls::pki_types::pem::{Error, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// All certificates in `pem`, of which there is at least one.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| TlsError::Config(format!("the PEM is broken: {error}")))?;
    if found.is_empty() {
        return Err(TlsError::Config(
            "no certificate in the PEM: it has no -----BEGIN CERTIFICATE----- section".into(),
        ));
    }
    Ok(found)
}

/// The first private key in `pem`: PKCS #8, PKCS #1 (RSA) or SEC 1 (EC).
pub(super) fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| {
        TlsError::Config(match error {
            Error::NoItemsFound => {
                "no private key in the PEM; one that is encrypted must be decrypted first".into()
            }
            other => format!("the PEM is broken: {other}"),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_missing_or_broken() {
        for (pem, expected) in [
            (&b""[..], "no certificate"),
            (b"-----BEGIN CERTIFICATE-----\nAAAA\n", "broken"),
            (
                b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
                "no certificate",
            ),
        ] {
            let error = certificates(pem).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let error = private_key(
            b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        );
        let error = error.unwrap_err().to_string();
        assert!(error.contains("decrypted first"), "{error}");
    }
}

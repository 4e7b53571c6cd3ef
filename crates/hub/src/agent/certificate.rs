//! What a certificate says, for people. It comes from a stranger.

use super::wire::{Certificate, hex};
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

/// Names of one certificate that are told.
const NAMES: usize = 100;
/// Longest text that is told, in characters.
const TEXT: usize = 1000;

/// Reads a certificate in DER. What cannot be read is left empty; its hash is always there.
pub(super) fn read(der: &[u8]) -> Certificate {
    let sha256 = hex(&Sha256::digest(der));
    let Ok((_, parsed)) = X509Certificate::from_der(der) else {
        return Certificate {
            sha256,
            ..Certificate::default()
        };
    };
    Certificate {
        subject: cut(&parsed.subject().to_string()),
        issuer: cut(&parsed.issuer().to_string()),
        names: names(&parsed),
        from: time(parsed.validity().not_before),
        until: time(parsed.validity().not_after),
        sha256,
    }
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT).collect()
}

/// The names it is for.
fn names(parsed: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(found)) = parsed.subject_alternative_name() else {
        return Vec::new();
    };
    let names = found.value.general_names.iter().filter_map(|name| {
        Some(match name {
            GeneralName::DNSName(name) => cut(name),
            GeneralName::IPAddress(bytes) => address(bytes)?.to_string(),
            GeneralName::URI(uri) => cut(uri),
            GeneralName::RFC822Name(mail) => cut(mail),
            _ => return None,
        })
    });
    names.take(NAMES).collect()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        return Some(bytes.into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(Into::into)
}

/// As `2026-01-31T12:00:00Z`.
fn time(time: ASN1Time) -> String {
    let time = time.to_datetime();
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair};

    fn issued() -> Vec<u8> {
        let names = ["a.example".to_owned(), "10.1.2.3".to_owned(), "::1".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        params
            .distinguished_name
            .push(DnType::CommonName, "Ärger <b>\u{202e}");
        params.not_before = rcgen::date_time_ymd(2020, 2, 29);
        params.not_after = rcgen::date_time_ymd(2060, 1, 1);
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn subject_names_and_times_are_read() {
        let read = read(&issued());
        assert_eq!(read.names, ["a.example", "10.1.2.3", "::1"]);
        assert!(read.subject.contains("Ärger <b>"), "{}", read.subject);
        assert_eq!(read.subject, read.issuer);
        assert_eq!(read.from, "2020-02-29T00:00:00Z");
        assert_eq!(read.until, "2060-01-01T00:00:00Z");
        assert_eq!(read.sha256.len(), 64);
    }

    #[test]
    fn what_is_no_certificate_still_has_a_hash() {
        let whole = issued();
        for length in 0..whole.len() {
            let cut = read(&whole[..length]);
            assert!(cut.subject.is_empty() && cut.sha256.len() == 64);
        }
        for at in 0..whole.len() {
            let mut broken = whole.clone();
            broken[at] ^= 0xff;
            assert_eq!(read(&broken).sha256.len(), 64);
        }
    }
}

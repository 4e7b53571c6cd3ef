//! What a certificate says, for people. It comes from a stranger, and may be one that no judge would take.

use serde::Serialize;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use x509_cert::certificate::{CertificateInner, Raw, TbsCertificateInner};
use x509_cert::der::asn1::Any;
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::{Decode, Tag, Tagged};
use x509_cert::ext::pkix::SubjectAltName;

/// Names of one certificate that are told.
const NAMES: usize = 100;
/// Longest text that is told, in characters.
const TEXT: usize = 1000;

/// A certificate, for people. What cannot be read of it is empty.
#[derive(Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Certificate {
    /// Whom it is for, as RFC 4514 writes names.
    pub subject: String,
    /// Who issued it.
    pub issuer: String,
    /// The hosts, addresses, mail addresses and URIs it is for.
    pub names: Vec<String>,
    /// From when on it is valid, as `2026-01-01T00:00:00Z`.
    pub from: String,
    /// Until when.
    pub until: String,
    /// Its fingerprint.
    pub sha256: String,
}

/// Reads a certificate in DER (RFC 5280 §4.1). If it cannot be read, there is its hash alone.
#[must_use]
pub fn read(der: &[u8]) -> Certificate {
    let sha256 = hex(&Sha256::digest(der));
    let Ok(read) = CertificateInner::<Raw>::from_der(der) else {
        return Certificate {
            sha256,
            ..Certificate::default()
        };
    };
    let read = read.tbs_certificate();
    Certificate {
        // As RFC 4514 has it: the most special part first, and what would read as a part escaped.
        subject: cut(&read.subject().to_string()),
        issuer: cut(&read.issuer().to_string()),
        names: other_names(read),
        from: read.validity().not_before.to_string(),
        until: read.validity().not_after.to_string(),
        sha256,
    }
}

/// Two digits for each byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    })
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT).collect()
}

/// The names that a certificate is for (RFC 5280 §4.2.1.6): those that can be read, whatever the others are.
fn other_names(read: &TbsCertificateInner<Raw>) -> Vec<String> {
    let mut extensions = read.extensions().into_iter().flatten();
    let found = extensions.find(|extension| extension.extn_id == SubjectAltName::OID);
    let names = found.and_then(|found| Vec::<Any>::from_der(found.extn_value.as_bytes()).ok());
    let names = names.unwrap_or_default();
    names.iter().filter_map(other_name).take(NAMES).collect()
}

/// A mail address, a host, a URI or an IP address.
fn other_name(name: &Any) -> Option<String> {
    let Tag::ContextSpecific { number, .. } = name.tag() else {
        return None;
    };
    let content = name.value();
    match number.value() {
        1 | 2 | 6 => Some(cut(&String::from_utf8_lossy(content))),
        7 => {
            let v4 = <[u8; 4]>::try_from(content).map(IpAddr::from);
            let v6 = || <[u8; 16]>::try_from(content).map(IpAddr::from);
            v4.or_else(|_| v6()).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

    fn issued() -> Vec<u8> {
        let names = [
            "a.example".to_owned(),
            "10.1.2.3".to_owned(),
            "::1".to_owned(),
        ];
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Tide, Inc.");
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
        let plain = "CN=Ärger \\<b\\>\u{202e},O=Tide\\, Inc.";
        assert_eq!(
            (read.subject.as_str(), read.issuer.as_str()),
            (plain, plain)
        );
        assert_eq!(read.from, "2020-02-29T00:00:00Z");
        assert_eq!(read.until, "2060-01-01T00:00:00Z");
        assert_eq!(read.sha256.len(), 64);
    }

    fn value(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        let short = match content.len() {
            0..0x80 => length[3..].to_vec(),
            0x80..0x100 => [&[0x81], &length[3..]].concat(),
            0x100..0x1_0000 => [&[0x82], &length[2..]].concat(),
            _ => [&[0x83], &length[1..]].concat(),
        };
        [&[tag], &short[..], content].concat()
    }

    /// A certificate with this serial number, this name of its issuer, and these other names.
    fn made(serial: &[u8], issuer: &[u8], other_names: &[u8]) -> Vec<u8> {
        let algorithm = value(0x30, &value(0x06, &[0x2A, 3, 4]));
        let key = [&algorithm[..], &value(0x03, &[0, 1])].concat();
        let times = [
            value(0x17, b"900101000000Z"),
            value(0x18, b"99991231235959Z"),
        ];
        let names = [
            value(0x06, &[0x55, 0x1D, 0x11]),
            value(0x04, &value(0x30, other_names)),
        ];
        let signed = [
            value(0xA0, &value(0x02, &[2])),
            value(0x02, serial),
            algorithm.clone(),
            value(0x30, issuer),
            value(0x30, &times.concat()),
            value(0x30, &[]),
            value(0x30, &key),
            value(0xA3, &value(0x30, &value(0x30, &names.concat()))),
        ];
        let whole = [
            value(0x30, &signed.concat()),
            algorithm,
            value(0x03, &[0, 1]),
        ];
        value(0x30, &whole.concat())
    }

    #[test]
    fn what_no_authority_would_sign_is_shown_all_the_same() {
        let names = [
            value(0x83, b"x400"),
            value(0x82, b"caf\xe9.example"),
            value(0x87, &[1, 2, 3]),
            value(0x81, b"mail@example"),
            value(0x02, &[7]),
        ];
        let strange = [
            value(0x06, &[0x55, 4, 3]),
            value(0x1E, &[0, b'a']), // UTF-16
        ];
        let issuer = value(0x31, &value(0x30, &strange.concat()));
        let read = read(&made(&[0x80; 40], &issuer, &names.concat()));
        assert_eq!(read.names, ["caf\u{fffd}.example", "mail@example"]);
        assert_eq!(read.issuer, "2.5.4.3=#1e020061");
        assert_eq!(read.subject, "");
        assert_eq!(read.from, "1990-01-01T00:00:00Z");
        assert_eq!(read.until, "9999-12-31T23:59:59Z");
    }

    #[test]
    fn a_certificate_of_any_shape_is_cut_and_takes_no_time() {
        let attribute = |number: u16| {
            let [high, low] = number.to_be_bytes();
            let parts = [value(0x06, &[0x55, 4, 3]), value(0x04, &[high, low, 0xFF])];
            value(0x30, &parts.concat())
        };
        // In the order that is the worst to sort.
        let backwards: Vec<u8> = (0..5000).rev().flat_map(attribute).collect();
        let one_part = value(0x31, &backwards);
        let many_parts: Vec<u8> = (0..5000)
            .flat_map(|number| value(0x31, &attribute(number)))
            .collect();
        let names = value(0x82, b"a").repeat(20_000);
        let deep = (0..12_000).fold(Vec::new(), |inner, _| value(0x30, &inner));
        let started = std::time::Instant::now();
        for issuer in [&one_part, &many_parts, &deep] {
            let read = read(&made(&[1], issuer, &names));
            assert!(read.issuer.chars().count() <= TEXT && read.names.len() <= NAMES);
        }
        assert_eq!(read(&made(&[1], &one_part, &names)).names.len(), NAMES);
        assert_eq!(read(&deep).subject, "");
        assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
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

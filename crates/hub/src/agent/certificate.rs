//! What a certificate says, for people. It comes from a stranger.

use super::der::{self, Der};
use super::wire::{Certificate, hex};
use sha2::{Digest, Sha256};
use std::net::IpAddr;

/// Names of one certificate that are told.
const NAMES: usize = 100;
/// Longest text that is told, in characters.
const TEXT: usize = 1000;
/// Subject Alternative Name, 2.5.29.17 (RFC 5280 §4.2.1.6).
const OTHER_NAMES: &[u8] = &[0x55, 0x1D, 0x11];

/// Reads a certificate in DER (RFC 5280 §4.1). What cannot be read is left empty; its hash is always
/// there.
pub(super) fn read(der: &[u8]) -> Certificate {
    let mut certificate = fields(der).unwrap_or_default();
    certificate.sha256 = hex(&Sha256::digest(der));
    certificate
}

fn fields(der: &[u8]) -> Option<Certificate> {
    let mut whole = Der(der).take(der::SEQUENCE)?;
    let mut signed = whole.take(der::SEQUENCE)?;
    if signed.peek() == Some(der::context(0)) {
        signed.next()?; // the version
    }
    signed.next()?; // the serial number
    signed.next()?; // the algorithm of the signature
    let issuer = signed.take(der::SEQUENCE)?;
    let mut validity = signed.take(der::SEQUENCE)?;
    let subject = signed.take(der::SEQUENCE)?;
    signed.next()?; // the public key
    let mut names = Vec::new();
    while let Some((tag, content)) = signed.next() {
        if tag == der::context(3) {
            names = other_names(Der(content)).unwrap_or_default();
        }
    }
    Some(Certificate {
        subject: name(subject),
        issuer: name(issuer),
        names,
        from: validity.next().and_then(time).unwrap_or_default(),
        until: validity.next().and_then(time).unwrap_or_default(),
        sha256: String::new(),
    })
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT).collect()
}

/// A name of somebody, as `CN=a.example, O=A`, in the order in which it is written there.
fn name(mut parts: Der<'_>) -> String {
    let mut text = String::new();
    while let Some(mut part) = parts.take(der::SET) {
        let mut between = ", ";
        while let Some(mut attribute) = part.take(der::SEQUENCE) {
            let (Some((der::OID, kind)), Some((tag, value))) = (attribute.next(), attribute.next())
            else {
                continue;
            };
            if !text.is_empty() {
                text.push_str(between);
            }
            text.push_str(&label(kind));
            text.push('=');
            // RFC 4514 §2.4: what would read as the next part is escaped.
            for c in der::text(tag, value).chars() {
                if matches!(c, ',' | '+' | '"' | '\\') {
                    text.push('\\');
                }
                text.push(c);
            }
            between = "+";
            if text.len() > 4 * TEXT {
                return cut(&text);
            }
        }
    }
    cut(&text)
}

/// What an attribute of a name is called (RFC 4514 §3, and what is common besides).
fn label(kind: &[u8]) -> String {
    let known = match kind {
        [0x55, 4, 3] => "CN",
        [0x55, 4, 5] => "serialNumber",
        [0x55, 4, 6] => "C",
        [0x55, 4, 7] => "L",
        [0x55, 4, 8] => "ST",
        [0x55, 4, 9] => "STREET",
        [0x55, 4, 10] => "O",
        [0x55, 4, 11] => "OU",
        [0x55, 4, 17] => "postalCode",
        [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9, 1] => "emailAddress",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 1, 25] => "DC",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 1, 1] => "UID",
        other => return der::dotted(other),
    };
    known.to_owned()
}

/// The names that a certificate is for.
fn other_names(mut extensions: Der<'_>) -> Option<Vec<String>> {
    let mut list = extensions.take(der::SEQUENCE)?;
    while let Some(mut extension) = list.take(der::SEQUENCE) {
        if extension.next() != Some((der::OID, OTHER_NAMES)) {
            continue;
        }
        if extension.peek() == Some(der::BOOLEAN) {
            extension.next()?; // whether it is critical
        }
        let mut names = extension.take(der::OCTETS)?.take(der::SEQUENCE)?;
        let names = std::iter::from_fn(|| names.next()).filter_map(other_name);
        return Some(names.take(NAMES).collect());
    }
    None
}

/// A mail address, a host, a URI or an IP address.
fn other_name((tag, content): (u8, &[u8])) -> Option<String> {
    match tag {
        0x81 | 0x82 | 0x86 => Some(cut(&String::from_utf8_lossy(content))),
        0x87 => {
            let v4 = <[u8; 4]>::try_from(content).map(IpAddr::from);
            let v6 = || <[u8; 16]>::try_from(content).map(IpAddr::from);
            v4.or_else(|_| v6()).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

/// As `2026-01-31T12:00:00Z` (RFC 5280 §4.1.2.5).
fn time((tag, content): (u8, &[u8])) -> Option<String> {
    let digits = content.strip_suffix(b"Z")?;
    let digits = std::str::from_utf8(digits).ok()?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (century, rest) = match (tag, digits.len()) {
        (der::UTC_TIME, 12) => {
            // "Where YY is greater than or equal to 50, the year SHALL be interpreted as 19YY".
            (if digits >= "50" { "19" } else { "20" }, digits)
        }
        (der::GENERALIZED_TIME, 14) => digits.split_at(2),
        _ => return None,
    };
    let part = |at: usize| rest.get(at..at + 2).unwrap_or_default();
    let [year, month, day, hour, minute, second] = [0, 2, 4, 6, 8, 10].map(part);
    Some(format!(
        "{century}{year}-{month}-{day}T{hour}:{minute}:{second}Z"
    ))
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
        let plain = "O=Tide\\, Inc., CN=Ärger <b>\u{202e}";
        assert_eq!(
            (read.subject.as_str(), read.issuer.as_str()),
            (plain, plain)
        );
        assert_eq!(read.from, "2020-02-29T00:00:00Z");
        assert_eq!(read.until, "2060-01-01T00:00:00Z");
        assert_eq!(read.sha256.len(), 64);
    }

    #[test]
    fn times_are_read_or_left_out() {
        for (tag, text, expected) in [
            (der::UTC_TIME, "500101000000Z", Some("1950-01-01T00:00:00Z")),
            (der::UTC_TIME, "491231235959Z", Some("2049-12-31T23:59:59Z")),
            (
                der::GENERALIZED_TIME,
                "20500101000000Z",
                Some("2050-01-01T00:00:00Z"),
            ),
            (der::GENERALIZED_TIME, "500101000000Z", None),
            (der::UTC_TIME, "5001010000Z", None),
            (der::UTC_TIME, "500101000000+0100", None),
            (der::UTC_TIME, "50é101000000Z", None),
            (der::OCTETS, "500101000000Z", None),
        ] {
            assert_eq!(time((tag, text.as_bytes())).as_deref(), expected, "{text}");
        }
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

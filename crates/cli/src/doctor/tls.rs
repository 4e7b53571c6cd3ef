//! Step tls: version, certificates and their days, even those that verification refuses.

use std::time::{SystemTime, UNIX_EPOCH};

use tidewire::ConnectError;
use tidewire::tls::{CertificateProblem, TlsError};
use tidewire_hub::certificate::Certificate;

use super::finding::{Finding, Verdict};
use super::place::Place;
use super::reach::{Secured, Way};

const STEP: &str = "tls";
/// Days before its end from which on a certificate is warned of.
const SOON: i64 = 14;

/// What TLS on this way comes to. `shown`: what the server showed to who did not look closely;
/// `checked`: whether the certificates were judged on the way.
pub(super) fn judge(place: &Place, way: &Way, shown: Option<&Secured>, checked: bool) -> Finding {
    if !place.tls {
        return without(place, way);
    }
    let secured = way.tls.as_ref().or(shown);
    let finding = match (&way.error, &way.tls) {
        (Some(ConnectError::Tls(error)), _) => refused(error, secured, &place.host),
        (Some(_), None) => return Finding::skipped(STEP, "there is no connection to secure"),
        (_, Some(secured)) => agreed(secured, checked),
        (None, None) => return Finding::skipped(STEP, "TLS was not seen"),
    };
    let today = today();
    let chain = secured
        .map(|secured| &secured.chain[..])
        .unwrap_or_default();
    finding.details(chain.iter().map(|certificate| line(certificate, today)))
}

fn without(place: &Place, way: &Way) -> Finding {
    if way.error.is_some() {
        return Finding::skipped(STEP, "ws:// has none");
    }
    if place.is_here() {
        return Finding::skipped(STEP, "ws:// has none, and this machine needs none");
    }
    Finding::warn(
        STEP,
        "ws:// is not encrypted: who is in between reads and changes everything",
        "serve wss://; pages that came by https:// may not open ws:// at all",
    )
}

fn agreed(secured: &Secured, checked: bool) -> Finding {
    let alpn = secured
        .alpn
        .as_deref()
        .map_or("no ALPN".to_owned(), |alpn| format!("ALPN {alpn}"));
    let said = format!("{}, {}, {alpn}", secured.version, secured.cipher);
    let Some(leaf) = secured.chain.first() else {
        return Finding::ok(STEP, said);
    };
    let renew = "renew the certificate";
    match days_left(leaf, today()) {
        Some(days) if days < 0 => Finding::fail(
            STEP,
            format!("{said}; the certificate expired {} days ago", -days),
            renew,
        ),
        Some(days) if days <= SOON => Finding::warn(
            STEP,
            format!("{said}; the certificate ends in {days} days"),
            renew,
        ),
        _ if !checked => Finding::warn(
            STEP,
            format!("{said}; --no-check: nobody knows whose certificate this is"),
            "leave out --no-check to have it judged; --ca FILE trusts an authority of your own",
        ),
        Some(days) => Finding::ok(
            STEP,
            format!("{said}; the certificate is good for {days} days"),
        ),
        None => Finding::ok(STEP, said),
    }
}

fn refused(error: &TlsError, secured: Option<&Secured>, host: &str) -> Finding {
    let chain = secured
        .map(|secured| &secured.chain[..])
        .unwrap_or_default();
    let leaf = chain.first();
    let alone = leaf.is_some_and(|leaf| leaf.subject == leaf.issuer);
    let advice = match error {
        TlsError::Certificate { problem, .. } => match problem {
            CertificateProblem::Expired => "renew the certificate, and load the new one",
            CertificateProblem::NotYetValid => "is the clock of this machine right?",
            CertificateProblem::WrongName => {
                "use a name that the certificate is for, or have one issued for this"
            }
            CertificateProblem::UnknownIssuer if alone => {
                "it signed itself: have an authority issue one, or trust it with --ca cert.pem"
            }
            CertificateProblem::UnknownIssuer if chain.len() == 1 => {
                "the server shows no intermediate certificate: add its issuers' to the chain file, \
                 or trust its authority with --ca ca.pem"
            }
            _ => "have a certificate issued by an authority that clients know",
        },
        TlsError::NotTls(_) => "nothing speaks TLS at this port: use ws://, or the port of wss://",
        TlsError::NoRoots(_) | TlsError::Config(_) => "mend this machine's TLS settings",
        TlsError::Refused(_) => "the server wants another name, version, or a client certificate",
        _ => "do the server's TLS versions and ciphers suit TLS 1.2 or 1.3?",
    };
    let what = match error {
        TlsError::Certificate { problem, .. } => match problem {
            CertificateProblem::Expired => "the certificate has expired".to_owned(),
            CertificateProblem::NotYetValid => "the certificate is not valid yet".to_owned(),
            CertificateProblem::WrongName => {
                let names = leaf.map(|leaf| leaf.names.join(", ")).unwrap_or_default();
                format!("the certificate is for {names}, not for {host}")
            }
            CertificateProblem::UnknownIssuer if alone => {
                "the certificate is self-signed".to_owned()
            }
            CertificateProblem::UnknownIssuer => "the certificate's issuer is unknown".to_owned(),
            _ => error.to_string(),
        },
        _ => error.to_string(),
    };
    Finding::fail(STEP, what, advice)
}

fn line(certificate: &Certificate, today: i64) -> String {
    let names = match &certificate.names[..] {
        [] => String::new(),
        names => format!(" for {}", names.join(", ")),
    };
    let left = match days_left(certificate, today) {
        Some(days) if days < 0 => format!(" ({} days ago)", -days),
        Some(days) => format!(" ({days} days left)"),
        None => String::new(),
    };
    let subject = match certificate.subject.as_str() {
        "" => "without a name",
        subject => subject,
    };
    format!(
        "{subject}{names}, issued by {}, from {} until {}{left}",
        certificate.issuer,
        day(&certificate.from),
        day(&certificate.until),
    )
}

fn day(time: &str) -> &str {
    time.split('T').next().unwrap_or_default()
}

fn today() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(now.as_secs() / 86_400).unwrap_or(i64::MAX)
}

fn days_left(certificate: &Certificate, today: i64) -> Option<i64> {
    Some(days(day(&certificate.until))? - today)
}

/// Days from 1970-01-01 to a day of the Gregorian calendar.
fn days(day: &str) -> Option<i64> {
    let mut parts = day.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    // Years begin in March here, so that the leap day is a year's last.
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let before = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(before + of_year - 719_468)
}

/// Whether the rest can be examined after this.
pub(super) fn stops(finding: &Finding, way: &Way) -> bool {
    finding.verdict == Verdict::Fail && way.error.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted() {
        for (day, count) in [
            ("1970-01-01", Some(0)),
            ("1969-12-31", Some(-1)),
            ("2000-02-29", Some(11_016)),
            ("2000-03-01", Some(11_017)),
            ("2026-11-21", Some(20_778)),
            ("9999-12-31", Some(2_932_896)),
            ("", None),
            ("2000-x-1", None),
        ] {
            assert_eq!(days(day), count, "{day}");
        }
    }
}

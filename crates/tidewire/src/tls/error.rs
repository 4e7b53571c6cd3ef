//! What can go wrong with TLS, sorted by who must act, and what to do about it.

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};
use std::{fmt, io};

/// Why a TLS connection could not be made, or failed. Over an open stream it is the inner error of an
/// [`io::Error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsError {
    /// A certificate, key, name or other choice of our own cannot be used; the caller's to mend.
    Config(String),
    /// The system has no root certificates, so that no server can be trusted; the administrator's to
    /// mend.
    NoRoots(String),
    /// The peer's certificate is not trusted.
    Certificate {
        /// What is wrong with it.
        problem: CertificateProblem,
        /// The same for people, and what to do.
        detail: String,
    },
    /// The peer refused us with an alert.
    Refused(String),
    /// The peer speaks something else than TLS.
    NotTls(String),
    /// The peer has no TLS version or algorithm in common with us, or broke the protocol.
    Handshake(String),
    /// The network failed, or the peer left during the handshake.
    Io(io::Error),
}

/// What is wrong with a peer's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateProblem {
    /// Its time is over.
    Expired,
    /// Its time has not begun.
    NotYetValid,
    /// It is for other names.
    WrongName,
    /// It was issued by nobody we know.
    UnknownIssuer,
    /// It was revoked.
    Revoked,
    /// The peer showed none, and one is required.
    Missing,
    /// Something else.
    Other,
}

/// Which end we are; the advice depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Client,
    Server,
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(why) => write!(f, "TLS cannot be used: {why}"),
            Self::NoRoots(why) => write!(f, "no root certificates: {why}"),
            Self::Certificate { detail, .. } => f.write_str(detail),
            Self::Refused(why) => write!(f, "the peer refused the TLS connection: {why}"),
            Self::NotTls(why) => f.write_str(why),
            Self::Handshake(why) => write!(f, "TLS failed: {why}"),
            Self::Io(error) => write!(f, "the network failed during TLS: {error}"),
        }
    }
}

impl std::error::Error for TlsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => error.source(),
            _ => None,
        }
    }
}

impl From<io::Error> for TlsError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> Self {
        match error {
            TlsError::Io(error) => error,
            other => Self::new(io::ErrorKind::InvalidData, other),
        }
    }
}

impl TlsError {
    /// What rustls says about a connection on which we are `end`.
    pub(super) fn of_connection(error: Error, end: End) -> Self {
        match error {
            Error::InvalidCertificate(error) => certificate(&error, end),
            Error::NoCertificatesPresented => Self::Certificate {
                problem: CertificateProblem::Missing,
                detail: "the peer showed no certificate, and one is required".into(),
            },
            Error::AlertReceived(alert) => Self::Refused(refusal(alert, end)),
            // RFC 8446 §5.1: the first byte of a record is its content type, which no letter is.
            Error::InvalidMessage(InvalidMessage::InvalidContentType) => Self::NotTls(
                match end {
                    End::Client => {
                        "the server does not speak TLS on this port: use ws:// or another port"
                    }
                    End::Server => {
                        "the client does not speak TLS on this port: it should use wss:// or https://"
                    }
                }
                .into(),
            ),
            Error::PeerIncompatible(
                PeerIncompatible::SupportedVersionsExtensionRequired
                | PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                | PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled
                | PeerIncompatible::Tls13RequiredForQuic,
            ) => Self::Handshake(
                "the peer speaks neither TLS 1.2 nor 1.3, and older versions are not safe".into(),
            ),
            Error::NoApplicationProtocol => Self::Handshake(
                "no application protocol (ALPN) in common with the peer: see `alpn`".into(),
            ),
            other => Self::Handshake(other.to_string()),
        }
    }

    /// What rustls says about what we gave it.
    pub(super) fn of_config(error: &Error) -> Self {
        Self::Config(error.to_string())
    }
}

fn certificate(error: &CertificateError, end: End) -> TlsError {
    let (whose, add) = match end {
        End::Client => ("the server's certificate", "ClientTls::root_pem"),
        End::Server => (
            "the client's certificate",
            "ServerTls::require_client_certificates",
        ),
    };
    let (problem, detail) = match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            CertificateProblem::Expired,
            format!(
                "{whose} has expired: it must be renewed, or the clock here is wrong ({error})"
            ),
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            CertificateProblem::NotYetValid,
            format!("{whose} is not valid yet: is the clock here wrong? ({error})"),
        ),
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => {
            let names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
            let names = if names.is_empty() {
                "no name at all".into()
            } else {
                names.join(", ")
            };
            (
                CertificateProblem::WrongName,
                format!(
                    "{whose} is not for {:?}, but for {names}: connect to a name that it has, or \
                     choose one with ClientTls::server_name",
                    expected.to_str()
                ),
            )
        }
        CertificateError::NotValidForName => (
            CertificateProblem::WrongName,
            format!(
                "{whose} is for other names: choose one that it has with ClientTls::server_name"
            ),
        ),
        CertificateError::UnknownIssuer => (
            CertificateProblem::UnknownIssuer,
            format!(
                "{whose} was issued by an authority that is not trusted here: if it should be, add \
                 its CA with {add}"
            ),
        ),
        CertificateError::Revoked => (
            CertificateProblem::Revoked,
            format!("{whose} has been revoked"),
        ),
        other => (
            CertificateProblem::Other,
            format!("{whose} cannot be trusted: {other}"),
        ),
    };
    TlsError::Certificate { problem, detail }
}

/// The name in what rustls shows of it: `DnsName("a.example")`.
fn bare(name: &str) -> &str {
    match name.split_once("(\"") {
        Some((_, rest)) => rest.trim_end_matches("\")"),
        None => name,
    }
}

fn refusal(alert: AlertDescription, end: End) -> String {
    let advice = match (alert, end) {
        (AlertDescription::CertificateRequired, End::Client) => {
            "the server wants a client certificate: give one with ClientTls::client_certificate_pem"
        }
        (AlertDescription::UnknownCA, End::Client) => {
            "the server does not know the CA of our client certificate"
        }
        (AlertDescription::UnknownCA, End::Server) => {
            "the client does not know the CA of our certificate: is the whole chain in the file?"
        }
        (AlertDescription::CertificateExpired, _) => "our certificate has expired: renew it",
        (AlertDescription::BadCertificate | AlertDescription::CertificateUnknown, _) => {
            "it does not accept our certificate"
        }
        (AlertDescription::UnrecognisedName, End::Client) => {
            "the server has no certificate for this name"
        }
        (AlertDescription::ProtocolVersion, _) => "it speaks neither TLS 1.2 nor 1.3",
        (AlertDescription::HandshakeFailure, _) => {
            "no algorithm in common, or it wants a client certificate"
        }
        (AlertDescription::NoApplicationProtocol, _) => {
            "no application protocol (ALPN) in common: see `alpn`"
        }
        _ => return format!("alert {alert:?}"),
    };
    format!("{advice} (alert {alert:?})")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rustls::pki_types::ServerName;

    #[test]
    fn a_wrong_name_tells_the_right_ones() {
        let error = CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("b.example").unwrap(),
            presented: vec!["DnsName(\"a.example\")".into(), "odd".into()],
        };
        let error = TlsError::of_connection(error.into(), End::Client).to_string();
        assert!(error.contains("\"b.example\""), "{error}");
        assert!(error.contains("for a.example, odd:"), "{error}");
    }

    #[test]
    fn an_alert_tells_what_to_do() {
        let alert = Error::AlertReceived(AlertDescription::CertificateRequired);
        let error = TlsError::of_connection(alert, End::Client).to_string();
        assert!(error.contains("client_certificate_pem"), "{error}");
    }
}

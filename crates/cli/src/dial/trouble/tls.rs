//! What TLS says, in the words of the command line.

use tidewire::tls::{CertificateProblem, TlsError};

use super::Told;
use crate::exit::Exit;

/// What the library advises its callers, and the flags that do the same.
const FLAGS: [(&str, &str); 4] = [
    ("ClientTls::root_pem", "--ca FILE"),
    ("ClientTls::server_name", "--sni NAME"),
    (
        "ClientTls::client_certificate_pem",
        "--cert FILE --key FILE",
    ),
    ("`alpn`", "--alpn"),
];

pub(super) fn told(cause: &TlsError) -> Told {
    let mut sentence = cause.to_string();
    for (advice, flag) in FLAGS {
        sentence = sentence.replace(advice, flag);
    }
    let told = Told::new(Exit::Tls, sentence);
    match cause {
        TlsError::Certificate { problem, .. } => match problem {
            CertificateProblem::UnknownIssuer => {
                told.hint("--ca FILE (PEM) trusts its CA, and -n anybody, for a test")
            }
            CertificateProblem::Expired
            | CertificateProblem::NotYetValid
            | CertificateProblem::WrongName
            | CertificateProblem::Other => told.hint("-n connects nevertheless, for a test"),
            _ => told,
        },
        TlsError::Config(_) => told.hint("see --ca, --cert, --key, --sni and --alpn"),
        TlsError::NoRoots(_) => {
            told.hint("--ca FILE (PEM) names one, or SSL_CERT_FILE for all programs")
        }
        _ => told,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_names_flags() {
        let detail = "issued by nobody: add its CA with ClientTls::root_pem".to_owned();
        let text = told(&TlsError::Certificate {
            problem: CertificateProblem::UnknownIssuer,
            detail,
        })
        .text();
        assert!(text.contains("with --ca FILE\nhint: --ca FILE"), "{text}");
    }
}

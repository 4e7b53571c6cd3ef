//! Who trusts whom: names, authorities, times, client certificates, and what the errors say to do.

#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used)]

mod tls_common;

use rcgen::date_time_ymd;
use tidewire::tls::{CertificateProblem, ClientTls, ServerTls, TlsError, TlsStream};
use tls_common::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

type Outcome = Result<TlsStream, TlsError>;

async fn try_both(client: &ClientTls, server: &ServerTls) -> (Outcome, Outcome) {
    let (a, b) = duplex(64 * 1024);
    meet(client, server, a, b).await
}

/// The client refuses the server's certificate, and the server learns why.
async fn refused(client: &ClientTls, server: &ServerTls, problem: CertificateProblem) -> String {
    let (client, server) = try_both(client, server).await;
    let error = client.unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(error, TlsError::Certificate { problem: found, .. } if found == problem),
        "{error:?}"
    );
    let told = server.unwrap_err();
    assert!(
        matches!(told, TlsError::Refused(_)),
        "an alert, not {told:?}"
    );
    text
}

/// Both ends say something and hear it.
async fn works(ends: (Outcome, Outcome)) -> (TlsStream, TlsStream) {
    let (mut a, mut b) = (ends.0.unwrap(), ends.1.unwrap());
    let mut got = [0; 2];
    a.write_all(b"hi").await.unwrap();
    a.flush().await.unwrap();
    b.read_exact(&mut got).await.unwrap();
    b.write_all(b"ho").await.unwrap();
    b.flush().await.unwrap();
    a.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"ho");
    (a, b)
}

/// The TLS error that reading fails with.
async fn read_error(stream: &mut TlsStream) -> TlsError {
    let error = stream.read_u8().await.unwrap_err();
    *error.into_inner().unwrap().downcast::<TlsError>().unwrap()
}

#[tokio::test]
async fn a_wrong_name_is_refused_and_the_right_ones_are_told() {
    let authority = Authority::new("CA");
    let server = authority.server(&["a.example", "*.b.example"]);
    let text = refused(&authority.client(), &server, CertificateProblem::WrongName).await;
    assert!(text.contains("\"localhost\""), "{text}");
    assert!(text.contains("a.example, *.b.example"), "{text}");
    let named = authority.client().server_name("x.b.example");
    let (_, server) = works(try_both(&named, &server).await).await;
    assert_eq!(server.server_name(), Some("x.b.example"));
}

#[tokio::test]
async fn an_unknown_authority_is_refused_until_it_is_added() {
    let (ours, other) = (Authority::new("ours"), Authority::new("other"));
    let server = other.server(&["localhost"]);
    let text = refused(&ours.client(), &server, CertificateProblem::UnknownIssuer).await;
    assert!(text.contains("ClientTls::root_pem"), "{text}");
    works(try_both(&ours.client().root_pem(&other.pem), &server).await).await;
}

#[tokio::test]
async fn a_certificate_is_good_in_its_time_only() {
    let authority = Authority::new("CA");
    let cases = [
        (CertificateProblem::Expired, (2020, 2021), "expired"),
        (
            CertificateProblem::NotYetValid,
            (2090, 2091),
            "not valid yet",
        ),
    ];
    for (problem, (from, to), words) in cases {
        let identity = authority.issue_with(&["localhost"], |params| {
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(to, 1, 1);
        });
        let server = ServerTls::from_pem(identity.chain, identity.key).unwrap();
        let text = refused(&authority.client(), &server, problem).await;
        assert!(text.contains(words), "{text}");
    }
}

#[tokio::test]
async fn whoever_asks_for_danger_gets_it() {
    let server = Authority::new("nobody knows").server(&["elsewhere"]);
    let client = ClientTls::new().danger_accept_any_certificate();
    works(try_both(&client, &server).await).await;
}

#[tokio::test]
async fn an_address_is_a_name_with_or_without_brackets() {
    let authority = Authority::new("CA");
    let server = authority.server(&["::1", "127.0.0.1"]);
    for host in ["::1", "[::1]", "127.0.0.1"] {
        let (a, b) = duplex(64 * 1024);
        let client = authority.client();
        let ends = tokio::join!(client.connect(host, a), server.accept(b));
        let (_, server) = works(ends).await;
        assert_eq!(server.server_name(), None, "an address is no SNI");
    }
    let (a, _b) = duplex(1);
    let error = authority.client().connect("no host", a).await.unwrap_err();
    assert!(matches!(error, TlsError::Config(_)), "{error:?}");
}

#[tokio::test]
async fn client_certificates_are_required_checked_and_shown() {
    let (authority, clients) = (Authority::new("servers"), Authority::new("clients"));
    let server = authority.server(&["localhost"]);
    let server = server.require_client_certificates(&clients.pem).unwrap();
    let identity = clients.issue(&["somebody"]);
    let client = authority.client();
    let known = client
        .clone()
        .client_certificate_pem(&identity.chain, &identity.key);
    let (_, end) = works(try_both(&known, &server).await).await;
    assert_eq!(end.peer_certificates().len(), 1);

    // In TLS 1.3 the client is through before the server has judged: it reads the alert.
    let (mut missing, error) = match try_both(&client, &server).await {
        (Ok(client), Err(error)) => (client, error),
        other => panic!("{other:?}"),
    };
    let problem = CertificateProblem::Missing;
    assert!(
        matches!(error, TlsError::Certificate { problem: found, .. } if found == problem),
        "{error:?}"
    );
    let told = read_error(&mut missing).await.to_string();
    assert!(told.contains("ClientTls::client_certificate_pem"), "{told}");

    let stranger = Authority::new("strangers").issue(&["stranger"]);
    let wrong = client.client_certificate_pem(stranger.chain, stranger.key);
    let (mut wrong, error) = match try_both(&wrong, &server).await {
        (Ok(client), Err(error)) => (client, error),
        other => panic!("{other:?}"),
    };
    assert!(
        error.to_string().contains("require_client_certificates"),
        "{error}"
    );
    let told = read_error(&mut wrong).await;
    assert!(matches!(told, TlsError::Refused(_)), "{told:?}");
}

#[tokio::test]
async fn a_new_certificate_is_used_by_all_clones_and_open_connections_go_on() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let server = old.server(&["localhost"]);
    let clone = server.clone();
    let (mut a, mut b) = works(try_both(&old.client(), &clone).await).await;
    let identity = new.issue(&["localhost"]);
    server.reload_pem(&identity.chain, &identity.key).unwrap();
    works(try_both(&new.client(), &clone).await).await;
    refused(&old.client(), &clone, CertificateProblem::UnknownIssuer).await;
    a.write_all(b"x").await.unwrap();
    assert_eq!(b.read_u8().await.unwrap(), b'x');
    // A pair that cannot be used changes nothing.
    let other = new.issue(&["localhost"]);
    let error = server.reload_pem(&identity.chain, &other.key).unwrap_err();
    assert!(error.to_string().contains("does not belong"), "{error}");
    works(try_both(&new.client(), &clone).await).await;
}

#[tokio::test]
async fn a_session_is_resumed_by_clones_of_the_client() {
    let (client, server) = both();
    let (first, _) = works(try_both(&client, &server).await).await;
    assert!(!first.is_resumed());
    let (again, end) = works(try_both(&client.clone(), &server.clone()).await).await;
    assert!(again.is_resumed() && end.is_resumed());
    assert_eq!(again.peer_certificates().len(), 1, "still known");
}

#[tokio::test]
async fn a_session_from_before_does_not_stand_in_for_a_client_certificate() {
    let (client, server) = both();
    works(try_both(&client, &server).await).await;
    let server = server
        .require_client_certificates(Authority::new("clients").pem)
        .unwrap();
    let (_, end) = try_both(&client, &server).await;
    assert!(matches!(end, Err(TlsError::Certificate { .. })), "{end:?}");
}

#[tokio::test]
async fn application_protocols_are_agreed_on_or_refused() {
    let (client, server) = both();
    let server = server.alpn(["chat", "http/1.1"]);
    let (end, _) = works(try_both(&client, &server).await).await;
    assert_eq!(end.alpn(), Some(&b"http/1.1"[..]));
    let both_known = client.clone().alpn(["http/1.1", "chat"]);
    let (end, _) = works(try_both(&both_known, &server).await).await;
    assert_eq!(end.alpn(), Some(&b"chat"[..]), "the server's choice");
    let none = client.clone().alpn::<&str>([]);
    let (end, _) = works(try_both(&none, &server).await).await;
    assert_eq!(end.alpn(), None);
    let (a, b) = try_both(&client.alpn(["h2"]), &server).await;
    let (a, b) = (a.unwrap_err().to_string(), b.unwrap_err().to_string());
    assert!(a.contains("ALPN") && b.contains("ALPN"), "{a}; {b}");
}

#[tokio::test]
async fn what_cannot_be_used_is_told_when_it_is_needed() {
    let authority = Authority::new("CA");
    let identity = authority.issue(&["localhost"]);
    let cases = [
        (ClientTls::new().only_added_roots(), "none was added"),
        (
            ClientTls::new().root_pem("nonsense").only_added_roots(),
            "no certificate",
        ),
        (
            authority
                .client()
                .client_certificate_pem(&identity.chain, ""),
            "no private key",
        ),
    ];
    for (client, words) in cases {
        let (a, _b) = duplex(1);
        let error = client.connect("localhost", a).await.unwrap_err();
        assert!(matches!(error, TlsError::Config(_)), "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let error = ServerTls::from_files("/nowhere/chain.pem", "/nowhere/key.pem").unwrap_err();
    assert!(error.to_string().contains("/nowhere/chain.pem"), "{error}");
}

#[test]
fn keys_are_not_shown() {
    let authority = Authority::new("CA");
    let identity = authority.issue(&["localhost"]);
    let server = ServerTls::from_pem(&identity.chain, &identity.key).unwrap();
    let client = authority
        .client()
        .client_certificate_pem(&identity.chain, &identity.key);
    let shown = format!("{server:?} {client:?}");
    assert!(!shown.contains("PRIVATE") && shown.len() < 300, "{shown}");
}

#[cfg(feature = "bundled-roots")]
#[tokio::test]
async fn the_bundled_roots_do_not_know_a_private_authority() {
    let server = Authority::new("private").server(&["localhost"]);
    let client = ClientTls::new().bundled_roots();
    refused(&client, &server, CertificateProblem::UnknownIssuer).await;
}

//! What a client asks for: headers, cookies, who it says it is; and what it prints of that.

#![allow(clippy::unwrap_used)]

mod common;
#[cfg(feature = "tls")]
mod tls_common;

use common::{Raw, response_to};
use http::HeaderValue;
use tidewire::{Client, ConnectError};
use tidewire_proto::Role;
use tokio::io::duplex;

/// The request that a client sends.
async fn head(client: Client) -> String {
    let (a, b) = duplex(64 * 1024);
    head_over(client, a, b).await
}

async fn head_over<S: tidewire::Io>(client: Client, a: S, b: S) -> String {
    let mut raw = Raw::new(b, Role::Server);
    let (ws, head) = tokio::join!(client.handshake(a), async {
        let head = raw.read_head().await;
        raw.send_bytes(response_to(&head, "").as_bytes()).await;
        head
    });
    ws.unwrap();
    head
}

/// The lines of a request that begin with one of these names.
async fn lines(client: Client, names: &[&str]) -> Vec<String> {
    let head = head(client).await.to_ascii_lowercase();
    let wanted = |line: &&str| {
        names
            .iter()
            .any(|name| line.starts_with(&format!("{name}:")))
    };
    head.lines().filter(wanted).map(String::from).collect()
}

async fn refused(client: Client) -> ConnectError {
    client.handshake(duplex(1024).0).await.unwrap_err()
}

#[tokio::test]
async fn the_host_is_that_of_the_url_and_the_port_if_it_is_not_the_schemes() {
    for (url, expected) in [
        ("ws://Example.com/", "example.com"),
        ("ws://example.com:80/", "example.com"),
        ("ws://example.com:443/", "example.com:443"),
        ("ws://[2001:DB8::1]/", "[2001:db8::1]"),
        ("ws://me:pw@[::1]:81/", "[::1]:81"),
    ] {
        let expected = [format!("host: {expected}")];
        assert_eq!(lines(Client::new(url), &["host"]).await, expected, "{url}");
    }
    #[cfg(feature = "tls")]
    for (url, expected) in [
        ("wss://example.com:443/", "example.com"),
        ("wss://example.com:80/", "example.com:80"),
    ] {
        let (a, b) = tls_common::pair(64 * 1024).await;
        let head = head_over(Client::new(url), a, b).await;
        assert!(
            head.contains(&format!("\r\nHost: {expected}\r\n")),
            "{head}"
        );
    }
    let own = Client::new("ws://h/").header("Host", "other:1");
    assert_eq!(lines(own, &["host"]).await, ["host: other:1"]);
}

#[cfg(unix)]
#[tokio::test]
async fn over_a_unix_socket_the_host_is_localhost_and_the_path_the_second() {
    let head = head(Client::new("ws+unix:/run/a.sock:/x?y=1")).await;
    assert!(head.starts_with("GET /x?y=1 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nHost: localhost\r\n"), "{head}");
}

#[tokio::test]
async fn one_authorization_is_sent_the_most_explicit() {
    let url = "ws://me:p%40w@h/";
    let names = &["authorization"];
    // printf 'me:p@w' | base64; printf 'you:x:y' | base64
    let (me, you) = (
        "authorization: basic bwu6cEB3",
        "authorization: basic ew91ong6eq==",
    );
    let me = me.to_ascii_lowercase();
    assert_eq!(lines(Client::new(url), names).await, [me]);
    let client = Client::new(url).basic_auth("you", "x:y");
    assert_eq!(lines(client.clone(), names).await, [you]);
    let client = client.bearer_auth("tok");
    assert_eq!(
        lines(client.clone(), names).await,
        ["authorization: bearer tok"]
    );
    let client = client.basic_auth("you", "x:y");
    assert_eq!(lines(client, names).await, [you]);
    let client = Client::new(url).header("Authorization", "Other x");
    assert_eq!(lines(client, names).await, ["authorization: other x"]);
}

#[tokio::test]
async fn cookies_go_in_one_header() {
    let client = Client::new("ws://h/").cookie("a", "1").cookie("b", "x=y");
    assert_eq!(
        lines(client.clone(), &["cookie"]).await,
        ["cookie: a=1; b=x=y"]
    );
    let client = client.header("Cookie", "z=0").cookie("e", "");
    let expected = ["cookie: z=0; a=1; b=x=y; e="];
    assert_eq!(lines(client, &["cookie"]).await, expected);
    let quoted = Client::new("ws://h/").cookie("q", "\"a, b\\c\"");
    assert_eq!(lines(quoted, &["cookie"]).await, ["cookie: q=\"a, b\\c\""]);
}

#[tokio::test]
async fn what_cannot_be_sent_is_an_error_of_the_caller() {
    let client = || Client::new("ws://h/");
    for (name, value) in [
        ("", "x"),
        ("a b", "x"),
        ("a=b", "x"),
        ("a;b", "x"),
        ("a", "x;y=z"),
        ("a", "x\r\nX: y"),
        ("a", "caf\u{e9}"),
        ("a", " x"),
        ("a", "x\t"),
        ("a", "\0"),
    ] {
        let error = refused(client().cookie(name, value)).await;
        let as_expected = matches!(&error, ConnectError::InvalidCookie(of) if of == name);
        assert!(as_expected, "{name:?} {value:?}: {error:?}");
    }
    for (name, value) in [("X-A", "a\r\nB: c"), ("X A", "x"), ("", "x"), ("X-A", "\0")] {
        let error = refused(client().header(name, value)).await;
        let as_expected = matches!(&error, ConnectError::InvalidHeader(of) if of == name);
        assert!(as_expected, "{name:?} {value:?}: {error:?}");
    }
    for client in [
        client().basic_auth("a:b", "x"),
        client().basic_auth("a", "x\ny"),
        client().bearer_auth("x\r\ny"),
    ] {
        let error = refused(client).await;
        assert!(matches!(error, ConnectError::InvalidHeader(_)), "{error:?}");
    }
    for name in [
        "Upgrade",
        "Connection",
        "Sec-WebSocket-Key",
        "Content-Length",
    ] {
        let error = refused(client().header(name, "x")).await;
        assert!(
            matches!(error, ConnectError::InvalidRequest(_)),
            "{error:?}"
        );
    }
    let error = refused(Client::new("ws://h/<script>")).await;
    assert!(
        matches!(error, ConnectError::InvalidRequest(_)),
        "{error:?}"
    );
}

#[tokio::test]
async fn header_values_may_be_of_any_kind_that_http_knows() {
    let client = Client::new("ws://h/")
        .header("X-A", "text")
        .header("X-A", String::from("string"))
        .header("X-A", 7u64)
        .header(
            "X-A",
            HeaderValue::from_bytes(b"\xff").unwrap_or(HeaderValue::from_static("")),
        );
    let (a, b) = duplex(4096);
    let mut raw = Raw::new(b, Role::Server);
    drop(client.clone()); // and it can be used many times
    let sending = tokio::spawn(client.handshake(a));
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tokio::io::AsyncReadExt::read_u8(&mut raw.io).await.unwrap());
    }
    let shown = head.escape_ascii().to_string();
    for value in ["text", "string", "7", "\\xff"] {
        assert!(shown.contains(&format!("X-A: {value}\\r\\n")), "{shown}");
    }
    drop(raw);
    assert!(sending.await.unwrap().is_err());
}

#[test]
fn what_is_printed_of_a_client_holds_no_secret() {
    const SECRET: &str = "hunter2";
    let client = Client::new(format!("ws://me:{SECRET}@h/a?token={SECRET}"))
        .basic_auth("me", SECRET)
        .header("X-Api-Key", SECRET)
        .cookie("session", SECRET)
        .subprotocol(format!("bearer.{SECRET}"));
    let shown = format!("{client:?} {:?}", client.clone().bearer_auth(SECRET));
    for said in ["ws://h/a?…", "X-Api-Key", "session"] {
        assert!(shown.contains(said), "{shown}");
    }
    // The name and password as Basic has them, too.
    for secret in [SECRET, "aHVudGVyMg", "bWU6aHVudGVyMg"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let invalid = Client::new(format!("ws://me:{SECRET}@h:x/"));
    assert!(!format!("{invalid:?}").contains(SECRET));
}

#[cfg(feature = "proxy")]
#[test]
fn what_is_printed_of_a_proxy_holds_no_password() {
    use tidewire::Proxy;
    for url in [
        "http://me:hunter2@p:1",
        "socks5://me:hunter2@p:1",
        "http://me:hunter2@p:x",
    ] {
        let proxy = Proxy::new(url);
        let shown = format!(
            "{proxy:?} {:?}",
            Client::new("ws://h/").proxy(proxy.clone())
        );
        for secret in ["hunter2", "aHVudGVyMg", "bWU6aHVudGVyMg"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
    assert_eq!(format!("{:?}", Proxy::none()), "Proxy(none)");
    assert_eq!(
        format!("{:?}", Proxy::new("http://a:b@P:1")),
        "Proxy(http://p:1)"
    );
}

#[cfg(not(feature = "tls"))]
#[tokio::test]
async fn without_the_feature_tls_the_error_names_it() {
    let error = Client::new("wss://127.0.0.1:1/")
        .connect()
        .await
        .unwrap_err();
    assert!(matches!(error, ConnectError::InvalidUrl(_)), "{error:?}");
    assert!(error.to_string().contains("feature `tls`"), "{error}");
}

#[cfg(all(feature = "proxy", not(feature = "tls")))]
#[tokio::test]
async fn without_the_feature_tls_a_proxy_over_tls_is_an_error_that_names_it() {
    let proxy = tidewire::Proxy::new("https://127.0.0.1:1");
    let client = Client::new("ws://127.0.0.1:1/").proxy(proxy);
    let error = client.connect().await.unwrap_err();
    assert!(error.to_string().contains("feature `tls`"), "{error}");
}

//! Proxies by hand that stall, break off, talk nonsense, and say more than they should.

#![cfg(all(feature = "proxy", feature = "tls"))]
#![allow(clippy::unwrap_used)]

mod common;
mod reach;

use common::Raw;
use reach::*;
use std::net::SocketAddr;
use std::time::Duration;
use tidewire::{Client, ConnectError, ConnectStage, Proxy, ProxyReason};
use tidewire_proto::Role;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

fn through(scheme: &str, proxy: SocketAddr) -> Client {
    Client::new("ws://127.0.0.1:9/").proxy(Proxy::new(format!("{scheme}://{proxy}")))
}

fn reason(error: &ConnectError) -> &ProxyReason {
    match error {
        ConnectError::Proxy(error) => error.reason(),
        other => panic!("{other:?}"),
    }
}

/// Sends `bytes` and ends; reads on, so that nothing is reset.
async fn say(mut tcp: TcpStream, bytes: Vec<u8>) {
    let _ = tcp.write_all(&bytes).await;
    let _ = tcp.shutdown().await;
    let _ = tokio::io::copy(&mut tcp, &mut tokio::io::sink()).await;
}

/// An HTTP proxy that reads a request, says `bytes`, and ends.
async fn http_proxy(bytes: &[u8]) -> SocketAddr {
    let bytes = bytes.to_vec();
    listen(move |tcp| {
        let bytes = bytes.clone();
        async move {
            let mut raw = Raw::new(tcp, Role::Server);
            raw.read_head().await;
            say(raw.io, bytes).await;
        }
    })
    .await
}

#[tokio::test]
async fn an_http_proxy_that_breaks_off_or_talks_nonsense_is_named() {
    let whole = b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n";
    for length in (0..whole.len()).step_by(3) {
        let proxy = http_proxy(&whole[..length]).await;
        let error = failure(through("http", proxy)).await;
        assert!(matches!(reason(&error), ProxyReason::Io(_)), "{error:?}");
        assert!(
            error.to_string().contains(&format!("http://{proxy}")),
            "{error}"
        );
    }
    let endless = ["HTTP/1.1 200 OK\r\n", &"X-Y: z\r\n".repeat(100_000)].concat();
    for bytes in [
        &b"\x05\x00"[..],
        b"SSH-2.0-x\r\n\r\n",
        b"\x15\x03\x03\x00\x02\x02\x0a\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\n\n",
        b"HTTP/1.1 200 OK\r\n folded\r\n\r\n",
        endless.as_bytes(),
    ] {
        let error = failure(through("http", http_proxy(bytes).await)).await;
        assert!(
            matches!(reason(&error), ProxyReason::NotHttp(_)),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn what_an_http_proxy_says_to_its_refusal_is_kept_within_bounds() {
    for (bytes, status, body) in [
        (&b"HTTP/1.1 403 No\r\nX-Why: y\r\nContent-Length: 4\r\n\r\nrule"[..], 403, "rule"),
        (
            b"HTTP/1.1 502 No\r\nX-Why: y\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nru\r\n2\r\nle\r\n0\r\n\r\n",
            502,
            "rule",
        ),
        (b"HTTP/1.0 302 No\r\nX-Why: y\r\nLocation: ws://h/\r\n\r\nrule", 302, "rule"),
        (b"HTTP/1.1 101 S\r\nX-Why: y\r\nUpgrade: websocket\r\n\r\n", 101, ""),
    ] {
        let error = failure(through("http", http_proxy(bytes).await)).await;
        let ProxyReason::Refused(answer) = reason(&error) else {
            panic!("{error:?}");
        };
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["x-why"], "y");
        assert_eq!(answer.body(), body.as_bytes());
        assert!(error.to_string().contains(&status.to_string()), "{error}");
    }
    let flood = [&b"HTTP/1.1 500 No\r\n\r\n"[..], &vec![b'x'; 1 << 20]].concat();
    let error = failure(through("http", http_proxy(&flood).await)).await;
    let kept =
        matches!(reason(&error), ProxyReason::Refused(answer) if answer.body().len() == 64 << 10);
    assert!(kept, "{error}");
}

#[tokio::test]
async fn what_comes_behind_the_200_is_the_targets_and_its_lengths_mean_nothing() {
    let refusal = "HTTP/1.1 418 Teapot\r\nContent-Length: 2\r\n\r\nno";
    for headers in [
        "",
        "Content-Length: 10\r\n",
        "Transfer-Encoding: chunked\r\n",
    ] {
        for status in [200, 204, 299] {
            let bytes = format!("HTTP/1.1 {status} OK\r\n{headers}\r\n{refusal}");
            let proxy = http_proxy(bytes.as_bytes()).await;
            let error = failure(through("http", proxy)).await;
            let ConnectError::Refused(answer) = error else {
                panic!("{error:?}");
            };
            assert_eq!(
                (answer.status().as_u16(), answer.body().as_slice()),
                (418, &b"no"[..])
            );
        }
    }
    // A body that is for people is no handshake.
    let page = b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n<html>Hi</html>";
    let error = failure(through("http", http_proxy(page).await)).await;
    assert!(
        matches!(error, ConnectError::Handshake(_) | ConnectError::Io(_)),
        "{error:?}"
    );
    // Nor is it TLS.
    let wss =
        Client::new("wss://h/").proxy(Proxy::new(format!("http://{}", http_proxy(page).await)));
    let error = failure(wss.tls(client_tls())).await;
    assert!(matches!(error, ConnectError::Tls(_)), "{error:?}");
}

/// How many bytes a proxy reads, and what it says then.
type Step<'a> = (usize, &'a [u8]);

/// A proxy that does these steps and ends.
async fn stepping(steps: &[Step<'_>]) -> SocketAddr {
    let steps: Vec<_> = steps
        .iter()
        .map(|(read, say)| (*read, say.to_vec()))
        .collect();
    listen(move |mut tcp| {
        let steps = steps.clone();
        async move {
            for (read, say) in steps {
                let mut part = vec![0; read];
                let _ = tcp.read_exact(&mut part).await;
                let _ = tcp.write_all(&say).await;
            }
            say(tcp, Vec::new()).await;
        }
    })
    .await
}

#[tokio::test]
async fn a_socks_proxy_that_breaks_off_or_talks_nonsense_is_named() {
    let io = |reason: &ProxyReason| matches!(reason, ProxyReason::Io(_));
    let not = |reason: &ProxyReason| matches!(reason, ProxyReason::NotSocks(_));
    let refused = |reason: &ProxyReason| matches!(reason, ProxyReason::SocksRefused(_));
    let login = |reason: &ProxyReason| matches!(reason, ProxyReason::LoginWanted(None));
    type Judge<'a> = &'a dyn Fn(&ProxyReason) -> bool;
    let cases: &[(&[Step<'_>], Judge<'_>)] = &[
        (&[(0, b"")], &io),
        (&[(3, b"")], &io),
        (&[(3, b"\x05")], &io),
        (&[(3, b"\x05\x00")], &io),
        (&[(3, b"\x05\x00"), (10, b"\x05\x00\x00")], &io),
        (&[(3, b"\x05\x00"), (10, b"\x05\x00\x00\x01\x7f\x00")], &io),
        (&[(3, b"\x05\x00"), (10, b"\x05\x00\x00\x03\xffshort")], &io),
        (&[(3, b"\x04\x00")], &not),
        (&[(3, b"HTTP/1.1 400 Bad Request\r\n\r\n")], &not),
        (&[(3, b"\x05\x01")], &not),
        (&[(3, b"\x05\x80")], &not),
        (&[(3, b"\x05\x02")], &login),
        (&[(3, b"\x05\xff")], &login),
        (
            &[(3, b"\x05\x00"), (10, b"\x04\x00\x00\x01\0\0\0\0\0\0")],
            &not,
        ),
        (
            &[(3, b"\x05\x00"), (10, b"\x05\x00\x01\x01\0\0\0\0\0\0")],
            &not,
        ),
        (
            &[(3, b"\x05\x00"), (10, b"\x05\x00\x00\x02\0\0\0\0\0\0")],
            &not,
        ),
        (
            &[(3, b"\x05\x00"), (10, b"\x05\x63\x00\x01\0\0\0\0\0\0")],
            &not,
        ),
        (
            &[(3, b"\x05\x00"), (10, b"\x05\x01\x00\x01\0\0\0\0\0\0")],
            &refused,
        ),
        (
            &[(3, b"\x05\x00"), (10, b"\x05\x05\x00\x01\0\0\0\0\0\0")],
            &refused,
        ),
    ];
    for (steps, judge) in cases {
        for scheme in ["socks5", "socks5h"] {
            let proxy = stepping(steps).await;
            let error = failure(through(scheme, proxy)).await;
            assert!(judge(reason(&error)), "{steps:?}: {error:?}");
            assert!(
                error.to_string().contains(&format!("{scheme}://{proxy}")),
                "{error}"
            );
        }
    }
    // A bound address that is no UTF-8, and what comes behind the answer is the target's.
    let mut steps = [
        (3, &b"\x05\x00"[..]),
        (10, b"\x05\x00\x00\x03\x02\xff\xfe\0\0"),
    ];
    let error = failure(through("socks5", stepping(&steps).await)).await;
    assert!(matches!(error, ConnectError::Proxy(_)), "{error:?}");
    steps[1].1 = b"\x05\x00\x00\x03\x01x\0\0HTTP/1.1 418 T\r\nContent-Length: 0\r\n\r\n";
    let error = failure(through("socks5", stepping(&steps).await)).await;
    assert!(matches!(error, ConnectError::Refused(_)), "{error:?}");
}

#[tokio::test]
async fn a_proxy_that_stalls_or_drips_is_given_up_as_the_proxy() {
    let drip = |byte: &'static [u8]| {
        listen(move |mut tcp| async move {
            loop {
                sleep(Duration::from_millis(20)).await;
                if tcp.write_all(byte).await.is_err() {
                    break;
                }
            }
        })
    };
    let silent = listen(|tcp| async {
        sleep(PATIENCE).await;
        drop(tcp);
    })
    .await;
    for (scheme, proxy) in [
        ("http", silent),
        ("https", silent),
        ("socks5", silent),
        ("socks5h", silent),
        ("http", drip(b"H").await),
    ] {
        let client = through(scheme, proxy).connect_timeout(Duration::from_millis(200));
        let error = failure(client).await;
        let as_expected = match &error {
            ConnectError::Timeout(stage) => *stage == ConnectStage::Proxy,
            // What drips may be nonsense before it is late.
            ConnectError::Proxy(error) => matches!(error.reason(), ProxyReason::NotHttp(_)),
            _ => false,
        };
        assert!(as_expected, "{scheme}: {error:?}");
    }
}

#[tokio::test]
async fn a_proxy_url_that_cannot_be_used_is_the_callers_and_shows_no_password() {
    for url in [
        "",
        "ftp://me:hunter2@h",
        "http://me:hunter2@h:x",
        "http://me:hunter2%@h",
        "socks5://me:hunter2%ff@h",
        "http://me:hunter2@h/path",
    ] {
        let client = Client::new("ws://h/").proxy(Proxy::new(url));
        let error = failure(client).await;
        assert!(
            matches!(reason(&error), ProxyReason::Invalid(_)),
            "{error:?}"
        );
        assert!(!everything(&error).contains("hunter2"), "{error:?}");
    }
}

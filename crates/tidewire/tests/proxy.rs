//! Through real proxies: tinyproxy for CONNECT, microsocks for SOCKS5, one of our own over TLS.

#![cfg(all(feature = "proxy", feature = "tls", unix))]
#![allow(clippy::unwrap_used)]

mod common;
mod reach;

use reach::*;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tidewire::{Client, ConnectError, Proxy, ProxyReason};

fn client(url: &str, proxy: &str) -> Client {
    Client::new(url).tls(client_tls()).proxy(Proxy::new(proxy))
}

fn reason(error: &ConnectError) -> &ProxyReason {
    match error {
        ConnectError::Proxy(error) => error.reason(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn tinyproxy_tunnels_ws_and_wss() {
    let (plain, secure) = (echo().await, echo_tls().await);
    let open = Program::tinyproxy(None);
    let closed = Program::tinyproxy(Some("me s3cr3t"));
    let proxies = [
        format!("http://127.0.0.1:{}", open.port),
        format!("http://me:s3cr3t@127.0.0.1:{}", closed.port),
    ];
    for proxy in &proxies {
        for url in [format!("ws://{plain}/x"), format!("wss://{secure}/x")] {
            let ws = soon(client(&url, proxy).connect()).await;
            greet(ws.unwrap_or_else(|error| panic!("{url} through {proxy}: {error}"))).await;
        }
    }
}

#[tokio::test]
async fn tinyproxy_says_that_it_wants_a_login_and_the_error_passes_it_on() {
    let target = echo().await;
    let proxy = Program::tinyproxy(Some("me s3cr3t"));
    let url = format!("ws://{target}/");
    let host = format!("127.0.0.1:{}", proxy.port);

    let error = failure(client(&url, &format!("http://{host}"))).await;
    let ProxyReason::LoginWanted(Some(answer)) = reason(&error) else {
        panic!("{error:?}");
    };
    assert_eq!(answer.status(), 407);
    assert!(answer.headers().contains_key("proxy-authenticate"));
    assert!(!answer.body().is_empty());
    let said = error.to_string();
    assert!(
        said.contains(&host) && said.contains("user name and a password"),
        "{said}"
    );

    let error = failure(client(&url, &format!("http://me:hunter2@{host}"))).await;
    let rejected = matches!(reason(&error), ProxyReason::LoginRejected(Some(_)));
    assert!(rejected, "{error:?}");
    assert!(!everything(&error).contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn tinyproxy_cannot_reach_the_target_and_its_answer_is_given() {
    let proxy = Program::tinyproxy(None);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = free.local_addr().unwrap();
    drop(free);
    let proxy = format!("http://127.0.0.1:{}", proxy.port);
    let error = failure(client(&format!("wss://{nobody}/"), &proxy)).await;
    let ProxyReason::Refused(answer) = reason(&error) else {
        panic!("{error:?}");
    };
    assert!(answer.status().is_server_error(), "{answer:?}");
    assert!(!answer.body().is_empty());
}

#[tokio::test]
async fn microsocks_connects_to_ws_and_wss() {
    let (plain, secure) = (echo().await, echo_tls().await);
    let open = Program::microsocks(None);
    let closed = Program::microsocks(Some(("me", "s3cr3t")));
    for scheme in ["socks5", "socks5h"] {
        let proxies = [
            format!("{scheme}://127.0.0.1:{}", open.port),
            format!("{scheme}://me:s3cr3t@127.0.0.1:{}", closed.port),
        ];
        for proxy in &proxies {
            for url in [format!("ws://{plain}/x"), format!("wss://{secure}/x")] {
                let ws = soon(client(&url, proxy).connect()).await;
                greet(ws.unwrap_or_else(|error| panic!("{url} through {proxy}: {error}"))).await;
            }
        }
    }
}

#[tokio::test]
async fn socks5_looks_names_up_here_and_socks5h_at_the_proxy() {
    let target = echo().await;
    let proxy = Program::microsocks(None);
    let asked = Arc::new(AtomicUsize::new(0));
    let resolving = |client: Client| {
        let asked = Arc::clone(&asked);
        client.resolver(move |name, _| {
            asked.fetch_add(1, Ordering::Relaxed);
            assert_eq!(name, "chat.example");
            // The proxy cannot reach the first: that is no reason to give up.
            let dead: SocketAddr = "127.0.0.1:1".parse().unwrap();
            async move { io::Result::Ok(vec![dead, target]) }
        })
    };
    // Only we know this name.
    let here = format!("socks5://127.0.0.1:{}", proxy.port);
    let ws = soon(resolving(client("ws://chat.example/", &here)).connect()).await;
    greet(ws.unwrap()).await;
    assert_eq!(asked.load(Ordering::Relaxed), 1);

    // The proxy knows `localhost`, and nobody is asked here. A proxy that was named in code is
    // used for it.
    let there = format!("socks5h://127.0.0.1:{}", proxy.port);
    let local = format!("ws://localhost:{}/", target.port());
    greet(
        soon(resolving(client(&local, &there)).connect())
            .await
            .unwrap(),
    )
    .await;
    let error = failure(resolving(client("ws://no-such-host.invalid/", &there))).await;
    assert!(
        matches!(reason(&error), ProxyReason::SocksRefused(_)),
        "{error:?}"
    );
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn microsocks_wants_its_login() {
    let target = echo().await;
    let proxy = Program::microsocks(Some(("me", "s3cr3t")));
    let url = format!("ws://{target}/");
    let host = format!("127.0.0.1:{}", proxy.port);
    let error = failure(client(&url, &format!("socks5://{host}"))).await;
    assert!(
        matches!(reason(&error), ProxyReason::LoginWanted(None)),
        "{error:?}"
    );
    let error = failure(client(&url, &format!("socks5h://me:hunter2@{host}"))).await;
    assert!(
        matches!(reason(&error), ProxyReason::LoginRejected(None)),
        "{error:?}"
    );
    assert!(!everything(&error).contains("hunter2"));
}

/// A CONNECT proxy over TLS, whatever is asked for being `target`.
async fn https_proxy(target: SocketAddr) -> (SocketAddr, Heads) {
    let heads = Heads::default();
    let kept = heads.clone();
    let address = listen(move |tcp| {
        let kept = kept.clone();
        async move {
            if let Ok(tls) = server_tls().accept(tcp).await {
                connect_proxy(tls, kept, target).await;
            }
        }
    })
    .await;
    (address, heads)
}

#[tokio::test]
async fn a_proxy_over_tls_tunnels_ws_and_tls_within_tls() {
    for (scheme, target) in [("ws", echo().await), ("wss", echo_tls().await)] {
        let (proxy, heads) = https_proxy(target).await;
        let url = format!("{scheme}://chat.example:7/");
        let proxy = Proxy::new(format!("https://me:pw@localhost:{}", proxy.port()));
        let client = Client::new(&url).tls(client_tls());
        greet(
            soon(
                client
                    .clone()
                    .proxy(proxy.clone().tls(client_tls()))
                    .connect(),
            )
            .await
            .unwrap(),
        )
        .await;
        let head = heads.one();
        assert!(
            head.starts_with("CONNECT chat.example:7 HTTP/1.1\r\n"),
            "{head}"
        );
        assert_eq!(values(&head, "host"), ["chat.example:7"]);
        assert_eq!(values(&head, "proxy-authorization"), ["Basic bWU6cHc="]);

        // The client's own trust is not that of its proxy.
        let error = failure(client.proxy(proxy)).await;
        assert!(matches!(reason(&error), ProxyReason::Tls(_)), "{error:?}");
        assert!(
            error.to_string().contains("the proxy https://localhost:"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_behind_the_proxy_is_the_servers() {
    let target = echo_tls().await;
    let proxy = Program::tinyproxy(None);
    let proxy = Proxy::new(format!("http://127.0.0.1:{}", proxy.port));
    let error = failure(Client::new(format!("wss://{target}/")).proxy(proxy)).await;
    assert!(matches!(error, ConnectError::Tls(_)), "{error:?}");
}

#[tokio::test]
async fn credentials_stay_with_whom_they_are_for() {
    let (target, seen) = answering(|_| None).await;
    let heads = Heads::default();
    let kept = heads.clone();
    let proxy = listen(move |tcp| connect_proxy(tcp, kept.clone(), target)).await;
    let client = client(
        "ws://me:forserver@chat.example/",
        &format!("http://p:forproxy@{proxy}"),
    );
    soon(client.cookie("c", "forserver").connect())
        .await
        .unwrap();
    let at_proxy = heads.one();
    assert_eq!(values(&at_proxy, "proxy-authorization").len(), 1);
    assert!(values(&at_proxy, "authorization").is_empty(), "{at_proxy}");
    assert!(values(&at_proxy, "cookie").is_empty(), "{at_proxy}");
    let at_server = seen.one();
    assert_eq!(values(&at_server, "authorization").len(), 1);
    assert!(
        values(&at_server, "proxy-authorization").is_empty(),
        "{at_server}"
    );
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_told_from_a_server_that_is_not() {
    let target = echo().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = free.local_addr().unwrap();
    drop(free);
    for scheme in ["http", "https", "socks5", "socks5h"] {
        let error = failure(client(
            &format!("ws://{target}/"),
            &format!("{scheme}://{nobody}"),
        ))
        .await;
        let ProxyReason::Unreachable(ConnectError::Unreachable(tried)) = reason(&error) else {
            panic!("{error:?}");
        };
        assert_eq!(tried.attempts().len(), 1);
        assert_eq!(tried.attempts()[0].0, nobody);
        let said = error.to_string();
        assert!(
            said.contains(&format!("the proxy {scheme}://{nobody} cannot be reached")),
            "{said}"
        );
    }
    let error = failure(client("ws://h/", "socks4://h")).await;
    assert!(
        matches!(reason(&error), ProxyReason::Invalid(_)),
        "{error:?}"
    );
}

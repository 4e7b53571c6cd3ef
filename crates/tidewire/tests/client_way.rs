//! Ways to a server that are not the usual: from another address of ours, over a unix socket under the
//! name of a host, past a proxy, under another Host, with another version.

#![cfg(all(feature = "tls", feature = "proxy", unix))]
#![allow(clippy::unwrap_used)]

mod common;
mod reach;

use reach::*;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use tidewire::tls::ClientTls;
use tidewire::{Client, ConnectError, OriginPolicy, Proxy, ResponseError, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

#[cfg(target_os = "linux")] // all of 127.0.0.0/8 is this machine's there
#[tokio::test]
async fn a_connection_comes_from_the_address_that_was_chosen() {
    let from: IpAddr = "127.0.0.5".parse().unwrap();
    let came = Arc::new(Mutex::new(Vec::new()));
    let kept = came.clone();
    let target = listen(move |tcp| {
        kept.lock().unwrap().push(tcp.peer_addr().unwrap().ip());
        async move {
            let mut ws = Server::new().accept(tcp).await.unwrap();
            let _ = ws.recv().await;
        }
    })
    .await;
    let client = Client::new(format!("ws://{target}/")).local_address(from);
    soon(client.connect()).await.unwrap();
    assert_eq!(*came.lock().unwrap(), [from]);

    // An address that is not ours, and one of the other family.
    let url = format!("ws://{target}/");
    let error = failure(Client::new(&url).local_address("192.0.2.1".parse().unwrap())).await;
    assert!(matches!(error, ConnectError::Unreachable(_)), "{error:?}");
    let error = failure(Client::new(&url).local_address("::1".parse().unwrap())).await;
    assert!(error.to_string().contains("family of ::1"), "{error}");
}

#[tokio::test]
async fn a_unix_socket_stands_in_for_the_host_of_the_url() {
    let folder = std::env::temp_dir().join(format!("tidewire way {}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("a.sock");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        let mut secure = false;
        while let Ok((io, _)) = listener.accept().await {
            let server = Server::new().origin(OriginPolicy::Any);
            let accepted = match secure {
                true => {
                    let tls = server_tls().accept(io).await.unwrap();
                    server.accept(tls).await.unwrap()
                }
                false => server.accept(io).await.unwrap(),
            };
            secure = true;
            let mut ws = accepted;
            while let Ok(Some(message)) = ws.recv().await {
                ws.send(message).await.unwrap();
            }
        }
    });
    let plain = Client::new("ws://no-such-host.invalid/").unix_socket(&path);
    greet(soon(plain.connect()).await.unwrap()).await;
    // The certificate is judged by the URL's host.
    let secure = Client::new("wss://chat.example/")
        .unix_socket(&path)
        .tls(client_tls());
    greet(soon(secure.connect()).await.unwrap()).await;
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn who_is_excepted_is_reached_past_the_proxy() {
    let target = echo().await;
    let url = format!("ws://{target}/");
    let dead = || Proxy::new("http://127.0.0.1:1");
    for list in ["*", "127.0.0.1", "example.com, 127.0.0.0/8"] {
        let client = Client::new(&url).proxy(dead().except(list));
        greet(soon(client.connect()).await.unwrap()).await;
    }
    for list in ["", "127.0.0.2", "10.0.0.0/8", "\u{0},,;"] {
        let error = failure(Client::new(&url).proxy(dead().except(list))).await;
        assert!(matches!(error, ConnectError::Proxy(_)), "{list}: {error:?}");
    }
}

#[tokio::test]
async fn a_host_of_ones_own_is_sent_once_and_not_to_another_origin() {
    let (target, second) = answering(|_| None).await;
    let (first, heads) = answering(move |_| {
        Some(format!(
            "HTTP/1.1 302 Found\r\nLocation: ws://{target}/\r\nContent-Length: 0\r\n\r\n"
        ))
    })
    .await;
    let client = Client::new(format!("ws://{first}/"))
        .header("Host", "first.example")
        .host("own.example:81");
    soon(client.connect()).await.unwrap();
    assert_eq!(values(&heads.one(), "host"), ["own.example:81"]);
    assert_eq!(values(&second.one(), "host"), [target.to_string()]);
    for bad in ["", "a b", "a/b", "a\r\nX: y", "ä"] {
        let error = failure(Client::new(format!("ws://{first}/")).host(bad)).await;
        let said = matches!(
            error,
            ConnectError::InvalidRequest(_) | ConnectError::InvalidHeader(_)
        );
        assert!(said, "{bad:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_server_refuses_a_version_that_is_not_13_and_names_its_own() {
    let target = echo().await;
    let error = failure(Client::new(format!("ws://{target}/")).danger_version(8)).await;
    let ConnectError::Refused(answer) = error else {
        panic!("{error:?}");
    };
    assert_eq!(answer.status(), 426);
    assert_eq!(answer.headers()["sec-websocket-version"], "13");
    let client = Client::new(format!("ws://{target}/")).danger_version(13);
    greet(soon(client.connect()).await.unwrap()).await;
}

#[tokio::test]
async fn a_server_that_waits_for_tls_is_told_from_one_that_talks_nonsense() {
    let target = echo_tls().await;
    let error = failure(Client::new(format!("ws://{target}/")).tls(ClientTls::new())).await;
    assert!(
        matches!(error, ConnectError::Handshake(ResponseError::Tls)),
        "{error:?}"
    );
    assert!(error.to_string().contains("wss://"), "{error}");
    let odd = listen(|mut tcp| async move {
        let _ = tcp.read(&mut [0; 1024]).await;
        let _ = tcp.write_all(b"\x15\x02\x00\n\n").await;
    });
    let error = failure(Client::new(format!("ws://{}/", odd.await))).await;
    let other = matches!(&error, ConnectError::Handshake(error) if *error != ResponseError::Tls);
    assert!(other, "{error:?}");
}

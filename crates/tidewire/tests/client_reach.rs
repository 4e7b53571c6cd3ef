//! How servers are reached: by name, by the address that answers, over unix sockets and TLS, in time.

#![cfg(all(feature = "tls", feature = "proxy", unix))]
#![allow(clippy::unwrap_used)]

mod common;
mod reach;

use reach::*;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tidewire::tls::{CertificateProblem, ClientTls, TlsError};
use tidewire::{Client, ConnectError, ConnectStage, OriginPolicy, Proxy, Server};
use tokio::net::{TcpSocket, TcpStream, UnixListener};
use tokio::time::sleep;

/// Takes a connection and says nothing.
async fn hold(tcp: TcpStream) {
    sleep(PATIENCE).await;
    drop(tcp);
}

fn resolving(client: Client, addresses: Vec<SocketAddr>) -> Client {
    client.proxy(Proxy::none()).resolver(move |name, port| {
        assert_eq!((name.as_str(), port), ("chat.example", 7));
        let addresses = addresses.clone();
        async move { Ok(addresses) }
    })
}

/// An address at which connections are neither taken nor refused: the queue of its listener is full.
struct Silent {
    address: SocketAddr,
    _kept: (tokio::net::TcpListener, Vec<TcpStream>),
}

impl Silent {
    async fn new(address: &str) -> io::Result<Self> {
        let address: SocketAddr = address.parse().unwrap();
        let socket = if address.is_ipv6() {
            TcpSocket::new_v6()?
        } else {
            TcpSocket::new_v4()?
        };
        socket.bind(address)?;
        let listener = socket.listen(0)?;
        let address = listener.local_addr()?;
        let mut queue = Vec::new();
        let full = Duration::from_millis(500);
        while let Ok(taken) = tokio::time::timeout(full, TcpStream::connect(address)).await {
            queue.push(taken?);
        }
        Ok(Self {
            address,
            _kept: (listener, queue),
        })
    }
}

#[tokio::test]
async fn a_dead_ipv6_address_does_not_keep_from_the_living_ipv4() {
    let silent = match Silent::new("[::1]:0").await {
        Ok(silent) => silent,
        // A machine without IPv6: the dead one is of the other family then.
        Err(_) => Silent::new("127.0.0.1:0").await.unwrap(),
    };
    let target = echo().await;
    let client = Client::new("ws://chat.example:7/");
    let client = resolving(client, vec![silent.address, target]);
    greet(soon(client.connect()).await.unwrap()).await;
}

#[tokio::test]
async fn whoever_is_tried_in_vain_is_listed_with_the_reason() {
    let free = |_| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let nobody: Vec<SocketAddr> = (0..2).map(free).collect();
    let client = Client::new("ws://chat.example:7/");
    let error = failure(resolving(client.clone(), nobody.clone())).await;
    let ConnectError::Unreachable(tried) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(tried.host(), "chat.example:7");
    for (address, (tried, why)) in nobody.iter().zip(tried.attempts()) {
        assert_eq!(address, tried);
        assert_eq!(why.kind(), io::ErrorKind::ConnectionRefused);
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    }
    // A silent one among them is listed when the time is over; silence alone is a timeout.
    let silent = Silent::new("127.0.0.1:0").await.unwrap();
    let client = client.connect_timeout(Duration::from_millis(400));
    let both = vec![silent.address, nobody[0]];
    let error = failure(resolving(client.clone(), both)).await;
    let ConnectError::Unreachable(tried) = &error else {
        panic!("{error:?}");
    };
    let kinds: Vec<_> = tried.attempts().iter().map(|(_, why)| why.kind()).collect();
    assert_eq!(
        kinds,
        [io::ErrorKind::ConnectionRefused, io::ErrorKind::TimedOut]
    );
    let error = failure(resolving(client, vec![silent.address])).await;
    assert!(
        matches!(error, ConnectError::Timeout(ConnectStage::Connect)),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_name_without_address_is_told_from_a_server_that_is_not_there() {
    let client = Client::new("ws://chat.example:7/");
    let error = failure(resolving(client.clone(), Vec::new())).await;
    let named = matches!(&error, ConnectError::Resolve { host, .. } if host == "chat.example");
    assert!(named, "{error:?}");
    let client = client.proxy(Proxy::none());
    let broken = client
        .clone()
        .resolver(|_, _| async { Err(io::Error::other("no DNS today")) });
    let error = failure(broken).await;
    assert!(error.to_string().contains("no DNS today"), "{error}");
    let slow = client
        .connect_timeout(Duration::from_millis(50))
        .resolver(|_, _| std::future::pending::<io::Result<Vec<SocketAddr>>>());
    let error = failure(slow).await;
    assert!(
        matches!(error, ConnectError::Timeout(ConnectStage::Resolve)),
        "{error:?}"
    );
}

#[tokio::test]
async fn names_and_addresses_of_this_machine_are_reached() {
    let target = echo().await;
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("ws://{host}:{}/x?y", target.port());
        greet(soon(tidewire::connect(&url)).await.unwrap()).await;
    }
    // The longest times there are do no harm.
    let client = Client::new(format!("ws://{target}/"))
        .connect_timeout(Duration::MAX)
        .handshake_timeout(Duration::MAX);
    greet(soon(client.connect()).await.unwrap()).await;
}

#[tokio::test]
async fn a_unix_socket_is_reached_by_both_forms() {
    let folder = std::env::temp_dir().join(format!("tidewire unix {}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("a:b.sock");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        while let Ok((io, _)) = listener.accept().await {
            tokio::spawn(async move {
                let server = Server::new().origin(OriginPolicy::Any);
                let mut ws = server.accept(io).await.unwrap();
                while let Ok(Some(message)) = ws.recv().await {
                    ws.send(message).await.unwrap();
                }
            });
        }
    });
    let text = path.to_str().unwrap();
    let text = text.replace(' ', "%20").replace("a:b", "a%3Ab");
    for url in [
        format!("ws+unix:{text}:/x?y"),
        format!("ws+unix://{text}:/x?y"),
    ] {
        greet(soon(tidewire::connect(&url)).await.unwrap()).await;
    }
    let error = failure(Client::new(format!("ws+unix:{text}.none:/"))).await;
    assert!(matches!(&error, ConnectError::Io(error) if error.kind() == io::ErrorKind::NotFound));
    assert!(error.to_string().contains("a:b.sock.none"), "{error}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn wss_is_reached_and_its_certificate_is_judged() {
    let target = echo_tls().await;
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("wss://{host}:{}/", target.port());
        let client = Client::new(&url).tls(client_tls());
        greet(soon(client.connect()).await.unwrap()).await;
    }
    let url = format!("wss://{target}/");
    let pinned = ClientTls::new().only_added_roots();
    for (tls, problem) in [
        (
            client_tls().server_name("other.example"),
            Some(CertificateProblem::WrongName),
        ),
        (pinned, None),
    ] {
        let error = failure(Client::new(&url).tls(tls)).await;
        let ConnectError::Tls(error) = error else {
            panic!("{error:?}");
        };
        if let Some(expected) = problem {
            let told =
                matches!(error, TlsError::Certificate { problem, .. } if problem == expected);
            assert!(told, "{error:?}");
        }
    }
    // A server without TLS, and one that takes the connection and is silent.
    let plain = echo().await;
    let error = failure(Client::new(format!("wss://{plain}/")).tls(client_tls())).await;
    assert!(matches!(error, ConnectError::Tls(_)), "{error:?}");
    let silent = listen(hold).await;
    let hasty = Client::new(format!("wss://{silent}/")).connect_timeout(Duration::from_secs(1));
    let error = failure(hasty.tls(client_tls())).await;
    assert!(
        matches!(error, ConnectError::Timeout(ConnectStage::Tls)),
        "{error:?}"
    );
    assert!(error.to_string().contains("TLS"), "{error}");
}

#[tokio::test]
async fn the_silence_of_a_server_is_that_of_the_handshake() {
    let silent = listen(hold).await;
    let hasty = Client::new(format!("ws://{silent}/")).handshake_timeout(Duration::from_millis(50));
    let error = failure(hasty).await;
    assert!(
        matches!(error, ConnectError::Timeout(ConnectStage::Handshake)),
        "{error:?}"
    );
}

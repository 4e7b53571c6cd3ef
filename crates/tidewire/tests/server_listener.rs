//! Listeners over real sockets: caps, Unix sockets, requests handed over, and the end in order.

#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tidewire::{Client, ConnectError, Drain, Drained, Listener, Upgrade, WebSocket};
use tidewire_proto::Role;
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{sleep, timeout};

async fn listener() -> (Listener, SocketAddr) {
    let listener = Listener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .server(server());
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

fn to(addr: SocketAddr) -> Client {
    Client::new(format!("ws://{addr}/")).deflate(None)
}

async fn echo(mut ws: WebSocket) {
    while let Ok(Some(message)) = ws.recv().await {
        if ws.send(message).await.is_err() {
            return;
        }
    }
}

async fn is_served(ws: &mut WebSocket) {
    ws.send("there?").await.unwrap();
    assert!(ws.recv().await.unwrap().is_some());
}

#[tokio::test]
async fn requests_are_handed_over_one_task_each() {
    let (listener, addr) = listener().await;
    let (seen, mut peers) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let handler = move |upgrade: Upgrade| {
            let seen = seen.clone();
            async move {
                seen.send(upgrade.peer_addr()).unwrap();
                if upgrade.request().uri().path() == "/secret" {
                    let refusal = http::Response::builder()
                        .status(429)
                        .header("Retry-After", "30")
                        .body("slowly\n");
                    upgrade.refuse(refusal.unwrap()).await.unwrap();
                    return;
                }
                tokio::task::yield_now().await;
                echo(upgrade.header("X-Any", "1").accept().await.unwrap()).await;
            }
        };
        listener.serve_upgrades(handler).await
    });
    let mut ws = to(addr).connect().await.unwrap();
    is_served(&mut ws).await;
    let peer = peers.recv().await.unwrap().unwrap();
    assert!(peer.ip().is_loopback() && peer.port() != addr.port());
    let secret = Client::new(format!("ws://{addr}/secret")).connect().await;
    let Err(ConnectError::Refused(response)) = secret else {
        panic!("{secret:?}")
    };
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "30");
    assert_eq!(response.body(), b"slowly\n");
}

#[tokio::test]
async fn a_handler_that_does_not_answer_in_time_is_dropped() {
    let (listener, addr) = listener().await;
    let server = server().answer_timeout(Some(Duration::from_millis(100)));
    let listener = listener.server(server);
    tokio::spawn(async move {
        let never = |upgrade: Upgrade| async move {
            let _upgrade = upgrade;
            std::future::pending().await
        };
        listener.serve_upgrades(never).await
    });
    let outcome = to(addr).connect().await;
    let Err(ConnectError::Refused(response)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(response.status(), 500);
}

#[tokio::test]
async fn the_limit_is_for_the_answer_and_not_for_the_connection() {
    for time in [Some(Duration::from_secs(1)), None] {
        let (listener, addr) = listener().await;
        let listener = listener.server(server().answer_timeout(time));
        let handler = |upgrade: Upgrade| async move {
            echo(upgrade.accept().await.unwrap()).await;
        };
        tokio::spawn(async move { listener.serve_upgrades(handler).await });
        let mut ws = to(addr).connect().await.unwrap();
        sleep(Duration::from_millis(1200)).await;
        is_served(&mut ws).await;
    }
}

#[tokio::test]
async fn when_full_it_accepts_nobody_until_one_leaves() {
    let (listener, addr) = listener().await;
    let listener = listener.max_connections(2);
    tokio::spawn(async move { listener.serve(echo).await });
    let mut first = to(addr).connect().await.unwrap();
    let mut second = to(addr).connect().await.unwrap();
    is_served(&mut first).await;
    is_served(&mut second).await;
    let mut third = tokio::spawn(to(addr).connect());
    let early = timeout(Duration::from_millis(200), &mut third).await;
    assert!(early.is_err(), "{early:?}");
    first.close(1000, "").await.unwrap();
    is_served(&mut third.await.unwrap().unwrap()).await;
    is_served(&mut second).await;
}

#[tokio::test]
async fn handshakes_under_way_are_capped_and_connections_are_not() {
    let (listener, addr) = listener().await;
    let server = server().handshake_timeout(Duration::from_secs(1));
    let listener = listener.server(server).max_handshakes(1);
    tokio::spawn(async move { listener.serve(echo).await });
    let _dripping = TcpStream::connect(addr).await.unwrap();
    for _ in 0..3 {
        let mut ws = to(addr).connect().await.unwrap(); // once the first has been given up
        is_served(&mut ws).await;
    }
}

#[tokio::test]
async fn incoming_tells_who_it_is_and_gives_its_socket() {
    let (listener, addr) = listener().await;
    let tcp = TcpStream::connect(addr).await.unwrap();
    let incoming = listener.accept().await.unwrap();
    assert_eq!(incoming.peer_addr(), Some(tcp.local_addr().unwrap()));
    let theirs = incoming.into_tcp().unwrap();
    assert_eq!(theirs.peer_addr().unwrap(), tcp.local_addr().unwrap());

    let client = tokio::spawn(to(addr).connect());
    let upgrade = listener.accept().await.unwrap().request().await.unwrap();
    assert!(upgrade.peer_addr().is_some());
    let ws = upgrade.accept().await.unwrap();
    assert!(ws.peer_addr().is_some());
    client.await.unwrap().unwrap();
}

/// A server that is to stop, the means to stop it, and what comes of it.
type Stopping = (oneshot::Sender<()>, tokio::task::JoinHandle<Drained>);

fn serve_until(listener: Listener, drain: Drain) -> Stopping {
    let (stop, stopped) = oneshot::channel();
    let serving = tokio::spawn(async move {
        let serving = listener.serve_until(echo, stopped, drain);
        serving.await.unwrap()
    });
    (stop, serving)
}

fn quick() -> Drain {
    Drain::new().spread(Duration::ZERO)
}

#[tokio::test]
async fn it_stops_listening_and_all_leave() {
    let (listener, addr) = listener().await;
    let (stop, serving) = serve_until(listener, quick().code(1012).reason("new version"));
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut ws = to(addr).connect().await.unwrap();
        is_served(&mut ws).await;
        clients.push(ws);
    }
    clients[0].close(1000, "").await.unwrap(); // left by itself
    drop(clients.remove(0));
    stop.send(()).unwrap();
    for mut ws in clients {
        assert!(ws.recv().await.is_err(), "1012 is no clean end");
        let frame = ws.close_story().unwrap().received.unwrap();
        assert_eq!((frame.code.0, &*frame.reason), (1012, "new version"));
    }
    let drained = serving.await.unwrap();
    assert_eq!(drained.cut, 0);
    // The one that left by itself may have done so just before.
    assert!((19..=20).contains(&drained.closed), "{drained:?}");
    let refused = TcpStream::connect(addr).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn new_clients_are_refused_while_the_old_ones_leave() {
    let (listener, addr) = listener().await;
    let (stop, serving) = serve_until(listener, quick());
    let tcp = TcpStream::connect(addr).await.unwrap();
    let mut silent = Raw::new(tcp, Role::Client);
    silent.send_bytes(format!("{REQUEST}\r\n").as_bytes()).await;
    silent.read_head().await;
    stop.send(()).unwrap();
    silent.expect_close(1001).await;
    let refused = to(addr).connect().await;
    assert!(
        matches!(refused, Err(ConnectError::Unreachable(_))),
        "{refused:?}"
    );
    silent
        .send(tidewire_testkit::RawFrame::close(1001, ""))
        .await;
    let drained = serving.await.unwrap();
    assert_eq!((drained.closed, drained.cut), (1, 0));
}

#[tokio::test]
async fn who_is_in_the_handshake_is_answered_with_503_or_just_ends() {
    let (listener, addr) = listener().await;
    let (stop, serving) = serve_until(listener, quick());
    let mut half = Raw::new(TcpStream::connect(addr).await.unwrap(), Role::Client);
    half.send_bytes(REQUEST.as_bytes()).await;
    let mut mute = Raw::new(TcpStream::connect(addr).await.unwrap(), Role::Client);
    let mut ws = to(addr).connect().await.unwrap(); // both were accepted before it
    is_served(&mut ws).await;
    stop.send(()).unwrap();
    let answer = String::from_utf8(half.read_to_end().await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    drop(half);
    assert!(mute.read_to_end().await.is_empty());
    assert!(ws.recv().await.unwrap().is_none());
    let drained = serving.await.unwrap();
    assert_eq!((drained.closed, drained.cut), (1, 0));
}

#[tokio::test]
async fn a_request_accepted_too_late_is_answered_with_503() {
    let (listener, addr) = listener().await;
    let (stop, stopped) = oneshot::channel::<()>();
    let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (told, wait) = (asked.clone(), go.clone());
    let handler = move |upgrade: Upgrade| {
        let (told, wait) = (told.clone(), wait.clone());
        async move {
            told.notify_one();
            wait.notified().await;
            let outcome = upgrade.accept().await;
            assert!(matches!(outcome, Err(tidewire::AcceptError::Stopping)));
        }
    };
    let serving = tokio::spawn(listener.serve_upgrades_until(handler, stopped, quick()));
    let client = tokio::spawn(to(addr).connect());
    asked.notified().await;
    stop.send(()).unwrap();
    sleep(Duration::from_millis(50)).await;
    assert!(!serving.is_finished(), "the handler is waited for");
    go.notify_one();
    let outcome = client.await.unwrap();
    let Err(ConnectError::Refused(response)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(response.status(), 503);
    let drained = serving.await.unwrap().unwrap();
    assert_eq!((drained.closed, drained.cut), (0, 0));
}

#[tokio::test]
async fn a_server_dropped_while_it_serves_leaves_its_connections_alone() {
    let (listener, addr) = listener().await;
    let (_stop, serving) = serve_until(listener, quick());
    let mut ws = to(addr).connect().await.unwrap();
    is_served(&mut ws).await;
    serving.abort();
    assert!(serving.await.unwrap_err().is_cancelled());
    is_served(&mut ws).await;
    ws.close(1000, "").await.unwrap();
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::FileTypeExt;
    use std::path::PathBuf;
    use tokio::net::UnixStream;

    /// A path of its own for each test, short enough for a socket.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let name = format!("tidewire-{}-{name}", std::process::id());
            Self(std::env::temp_dir().join(name))
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    #[tokio::test]
    async fn a_unix_socket_is_served_and_its_file_goes_with_the_listener() {
        let place = Place::new("served");
        let listener = Listener::bind_unix(&place.0)
            .await
            .unwrap()
            .server(server());
        assert!(listener.local_addr().is_err());
        let (stop, stopped) = oneshot::channel::<()>();
        let handler = |upgrade: Upgrade| async move {
            assert_eq!(upgrade.peer_addr(), None);
            echo(upgrade.accept().await.unwrap()).await;
        };
        let serving = tokio::spawn(listener.serve_upgrades_until(handler, stopped, quick()));
        let unix = UnixStream::connect(&place.0).await.unwrap();
        let mut ws = client().handshake(unix).await.unwrap();
        is_served(&mut ws).await;
        stop.send(()).unwrap();
        assert!(ws.recv().await.unwrap().is_none());
        drop(ws);
        assert_eq!(serving.await.unwrap().unwrap().closed, 1);
        assert!(!place.0.exists(), "the file is removed");
    }

    #[tokio::test]
    async fn incoming_over_a_unix_socket_is_no_tcp() {
        let place = Place::new("incoming");
        let listener = Listener::bind_unix(&place.0).await.unwrap();
        let _unix = UnixStream::connect(&place.0).await.unwrap();
        let incoming = listener.accept().await.unwrap();
        assert_eq!(incoming.peer_addr(), None);
        assert!(incoming.into_tcp().is_err());
    }

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_nothing_else_is() {
        let place = Place::new("stale");
        // Left behind by a server that died: dropping the standard one removes nothing.
        drop(std::os::unix::net::UnixListener::bind(&place.0).unwrap());
        assert!(place.0.exists());
        let listener = Listener::bind_unix(&place.0).await.unwrap();
        // Somebody listens: that is us.
        let error = Listener::bind_unix(&place.0).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
        assert!(UnixStream::connect(&place.0).await.is_ok(), "untouched");
        // Another file in the place of ours is not ours to remove.
        std::fs::remove_file(&place.0).unwrap();
        std::fs::write(&place.0, "mine").unwrap();
        drop(listener);
        assert_eq!(std::fs::read(&place.0).unwrap(), b"mine");
        let error = Listener::bind_unix(&place.0).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
        let file = std::fs::symlink_metadata(&place.0).unwrap();
        assert!(file.is_file() && !file.file_type().is_socket());
    }

    #[tokio::test]
    async fn a_link_to_a_stale_socket_is_left_alone() {
        let (place, link) = (Place::new("target"), Place::new("link"));
        drop(std::os::unix::net::UnixListener::bind(&place.0).unwrap());
        std::os::unix::fs::symlink(&place.0, &link.0).unwrap();
        let error = Listener::bind_unix(&link.0).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
        assert!(place.0.exists());
    }
}

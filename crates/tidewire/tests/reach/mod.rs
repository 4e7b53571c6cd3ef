//! What the client's tests share: servers by hand and of our own, over TCP and TLS, and the proxies
//! of others as child processes.

#![allow(dead_code, unreachable_pub, unused_imports, clippy::unwrap_used)]

mod program;

pub use program::Program;

use crate::common::{Raw, response_to};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tidewire::tls::{ClientTls, ServerTls};
use tidewire::{Client, ConnectError, Message, OriginPolicy, Server, WebSocket};
use tidewire_proto::Role;
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// More than anything here takes, on a machine that does a hundred other things.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for what must come.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("an end in time")
}

/// How connecting ends when it must fail.
pub async fn failure(client: Client) -> ConnectError {
    match soon(client.connect()).await {
        Ok(_) => panic!("connected"),
        Err(error) => error,
    }
}

/// An error with all its causes, to look for what must not be in it.
pub fn everything(error: &ConnectError) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text += &format!(" {cause} {cause:?}");
        source = cause.source();
    }
    text
}

/// One message there and back.
pub async fn greet(mut ws: WebSocket) {
    soon(ws.send("hello")).await.unwrap();
    let back = soon(ws.recv()).await.unwrap();
    assert_eq!(back, Some(Message::text("hello")));
}

/// A listener whose connections `serve` takes, each in a task.
pub async fn listen<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tokio::spawn(serve(tcp));
        }
    });
    address
}

async fn echo_over<S: tidewire::Io>(io: S) {
    let server = Server::new().origin(OriginPolicy::Any);
    let Ok(accepted) = server.accept(io).await else {
        return;
    };
    let mut ws = accepted;
    while let Ok(Some(message)) = ws.recv().await {
        if ws.send(message).await.is_err() {
            break;
        }
    }
}

/// An echo server of our own.
pub async fn echo() -> SocketAddr {
    listen(echo_over).await
}

/// An echo server over TLS, with a certificate for `localhost` and 127.0.0.1.
pub async fn echo_tls() -> SocketAddr {
    listen(|tcp| async {
        if let Ok(tls) = server_tls().accept(tcp).await {
            echo_over(tls).await;
        }
    })
    .await
}

fn certificate() -> &'static (String, String) {
    static MADE: OnceLock<(String, String)> = OnceLock::new();
    MADE.get_or_init(|| {
        let names = ["localhost", "127.0.0.1", "chat.example"].map(String::from);
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    })
}

pub fn server_tls() -> ServerTls {
    let (chain, key) = certificate();
    ServerTls::from_pem(chain, key).unwrap()
}

/// Trusts the certificate of [`server_tls`], and nothing else.
pub fn client_tls() -> ClientTls {
    ClientTls::new()
        .root_pem(&certificate().0)
        .only_added_roots()
}

/// The requests that came to a server by hand.
#[derive(Clone, Default)]
pub struct Heads(Arc<Mutex<Vec<String>>>);

impl Heads {
    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// The one and only.
    pub fn one(&self) -> String {
        let all = self.all();
        assert_eq!(all.len(), 1, "{all:?}");
        all[0].clone()
    }

    fn add(&self, head: &str) {
        self.0.lock().unwrap().push(head.to_owned());
    }
}

/// The values of a header in a head.
pub fn values(head: &str, name: &str) -> Vec<String> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .filter(|(other, _)| other.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.to_owned())
        .collect()
}

/// A server that keeps the requests, and answers them as `answer` says; `None`: with a WebSocket
/// that stays silent.
pub async fn answering(
    answer: impl Fn(&str) -> Option<String> + Send + Sync + Clone + 'static,
) -> (SocketAddr, Heads) {
    let heads = Heads::default();
    let kept = heads.clone();
    let address = listen(move |tcp| {
        let (kept, answer) = (kept.clone(), answer.clone());
        async move {
            let mut raw = Raw::new(tcp, Role::Server);
            let head = raw.read_head().await;
            kept.add(&head);
            match answer(&head) {
                Some(text) => {
                    raw.send_bytes(text.as_bytes()).await;
                    let _ = raw.io.shutdown().await;
                }
                None => raw.send_bytes(response_to(&head, "").as_bytes()).await,
            }
            raw.read_to_end().await;
        }
    })
    .await;
    (address, heads)
}

/// A proxy by hand: takes any CONNECT over `io` and connects to `target`, whatever is asked for.
pub async fn connect_proxy<S: tidewire::Io>(io: S, heads: Heads, target: SocketAddr) {
    let mut raw = Raw::new(io, Role::Server);
    heads.add(&raw.read_head().await);
    let mut onward = TcpStream::connect(target).await.unwrap();
    raw.send_bytes(b"HTTP/1.1 200 Connection established\r\n\r\n")
        .await;
    let _ = copy_bidirectional(&mut raw.io, &mut onward).await;
}

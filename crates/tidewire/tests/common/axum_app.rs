//! Servers with axum's router, and clients of them.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use super::common::{REQUEST, Raw};
use axum::Router;
use axum::routing::any;
use std::net::SocketAddr;
use std::time::Duration;
use tidewire::Client;
use tidewire::axum::{Message, WebSocket, WebSocketUpgrade};
use tidewire_proto::Role;
use tokio::net::{TcpListener, TcpStream};

pub const PATIENCE: Duration = Duration::from_secs(30);

pub async fn listen(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    addr
}

pub fn client_of(addr: SocketAddr, path: &str) -> Client {
    Client::new(format!("ws://{addr}{path}"))
}

pub async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if matches!(message, Message::Text(_) | Message::Binary(_))
            && socket.send(message).await.is_err()
        {
            return;
        }
    }
}

pub fn echo_app() -> Router {
    let handler = |ws: WebSocketUpgrade| async { ws.on_upgrade(echo) };
    Router::new().route("/echo", any(handler))
}

/// A server by `handler`, and a client by hand that has asked for a WebSocket.
pub async fn raw_of(app: Router, path: &str) -> Raw<TcpStream> {
    let addr = listen(app).await;
    let mut raw = Raw::new(TcpStream::connect(addr).await.unwrap(), Role::Client);
    let request = REQUEST.replace("GET / ", &format!("GET {path} "));
    raw.send_bytes(format!("{request}\r\n").as_bytes()).await;
    raw
}

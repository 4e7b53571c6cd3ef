//! An extractor of the shape of `axum::extract::ws`: moving from it is a change of import.
//!
//! ```
//! use axum::{Router, response::Response, routing::any};
//! use tidewire::axum::{WebSocket, WebSocketUpgrade}; // was: use axum::extract::ws::{…};
//!
//! async fn handler(ws: WebSocketUpgrade) -> Response {
//!     ws.on_upgrade(echo)
//! }
//!
//! async fn echo(mut socket: WebSocket) {
//!     while let Some(Ok(message)) = socket.recv().await {
//!         if socket.send(message).await.is_err() {
//!             return; // the client left
//!         }
//!     }
//! }
//!
//! let app: Router = Router::new().route("/ws", any(handler));
//! ```
//!
//! **One difference needs a decision: by default only pages of the same host and port may connect**
//! (others get 403; clients that are no browsers send no Origin and pass). axum's extractor lets
//! every page connect, with the cookies of whoever looks at it. If your pages come from elsewhere,
//! name them, or choose what axum does:
//!
//! ```
//! # use axum::response::Response;
//! # use tidewire::axum::WebSocketUpgrade;
//! use tidewire::OriginPolicy;
//!
//! # async fn handler(ws: WebSocketUpgrade) -> Response {
//! ws.origin(OriginPolicy::List(vec!["https://app.example.com".into()])) // or OriginPolicy::Any
//! #     .on_upgrade(|_| async {})
//! # }
//! ```
//!
//! For all routes at once, with whatever else a [`Server`](crate::Server) can be told:
//!
//! ```
//! # use axum::{Router, routing::any};
//! # use tidewire::{OriginPolicy, Server, axum::WebSocketUpgrade};
//! # async fn handler(ws: WebSocketUpgrade) -> axum::response::Response { ws.on_upgrade(|_| async {}) }
//! let server = Server::new().origin(OriginPolicy::Any).deflate(None);
//! let app: Router = Router::new()
//!     .route("/ws", any(handler))
//!     .layer(axum::Extension(server));
//! ```
//!
//! # What differs from `axum::extract::ws`
//!
//! | | axum | here |
//! |---|---|---|
//! | Origin | not checked | same host and port, judged in `on_upgrade`; see [`origin`](WebSocketUpgrade::origin) |
//! | compression | none | permessage-deflate if the client offers it; see [`deflate`](WebSocketUpgrade::deflate) |
//! | keepalive | none | a Ping after 20 s of silence, the end after 20 s more; see [`Config`](crate::Config) |
//! | largest message | 64 MiB, in frames of 16 MiB | 16 MiB, in one frame or more |
//! | broken handshakes | mostly accepted: two keys, a bad key, a body … | refused with the status of the RFC |
//! | no `Upgrade: websocket`, another version | 400 | 426, with `Upgrade` and `Sec-WebSocket-Version` |
//! | HTTP/1.0 | `ConnectionNotUpgradable`, 426 | [`HttpVersionNotSupported`](rejection::HttpVersionNotSupported), 505 |
//! | HTTP/2 (extended CONNECT) | with feature `http2` | not yet: refused with 505. Browsers use HTTP/1.1 unless the server announces it |
//! | subprotocol not offered | sent all the same | not sent; see [`set_selected_protocol`](WebSocketUpgrade::set_selected_protocol) |
//! | `send` | writes each message | writes, but answers to messages that arrived together leave together |
//! | a full write buffer | fails the send | makes it wait; see [`max_write_buffer_size`](WebSocketUpgrade::max_write_buffer_size) |
//! | close code or reason that may not be sent | sent as they are | an error of `send`; the connection goes on |
//! | `read_buffer_size`, `write_buffer_size` | tuning | deprecated: without effect |
//! | `accept_unmasked_frames` | a switch | not there: RFC 6455 §5.1 forbids it, and the mask protects proxies |
//! | `axum::Error` holds | tungstenite's error | [`tidewire::Error`](crate::Error), or those of [`hyper`](crate::hyper) |
//!
//! What stays: extraction beside other extractors, `on_failed_upgrade`, `recv`, `Stream` and `Sink`
//! (so also `futures_util`'s `split` and `forward`), Ping, Pong and Close as messages that need no
//! answer from you, `None` after the end, [`Error`] as axum's own type.
//!
//! # This crate's own WebSocket
//!
//! [`on_connect`](WebSocketUpgrade::on_connect) gives a [`tidewire::WebSocket`](crate::WebSocket):
//! owned halves for different tasks, frames prepared once for many, close codes as a method, and
//! the whole story of how a connection ended.
//!
//! ```
//! # use axum::response::Response;
//! # use tidewire::axum::WebSocketUpgrade;
//! async fn handler(ws: WebSocketUpgrade) -> Response {
//!     ws.on_connect(|mut ws| async move {
//!         while let Ok(Some(message)) = ws.recv().await {
//!             if ws.send(message).await.is_err() { break }
//!         }
//!     })
//! }
//! ```
//!
//! The connection runs as [`hyper`](crate::hyper)'s module says, at the same cost.

mod message;
pub mod rejection;
mod socket;
mod upgrade;

pub use axum_core::Error;
pub use message::{CloseCode, CloseFrame, Message, Utf8Bytes, close_code};
pub use socket::WebSocket;
pub use upgrade::{DefaultOnFailedUpgrade, OnFailedUpgrade, WebSocketUpgrade};

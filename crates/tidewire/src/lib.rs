//! WebSocket for tokio: a client and a server, strict, compressed, and cheap when idle.
//!
//! ```no_run
//! # async fn client() -> Result<(), Box<dyn std::error::Error>> {
//! let mut ws = tidewire::connect("ws://127.0.0.1:4000/").await?;
//! ws.send("hello").await?;
//! while let Some(message) = ws.recv().await? {
//!     println!("{message:?}"); // Text or Binary; Ping, Pong and Close are taken care of
//! }
//! # Ok(()) }
//! # async fn server() -> std::io::Result<()> {
//! tidewire::serve("127.0.0.1:4000", |mut ws| async move {
//!     while let Ok(Some(message)) = ws.recv().await {
//!         if ws.send(message).await.is_err() { break }
//!     }
//! })
//! .await
//! # }
//! ```
//!
//! # A short tour
//!
//! - A client is a [`Client`], or [`connect`] for short; [`Client::reconnecting`] comes back by itself
//!   ([`reconnect`]).
//! - A server is a [`Server`] that says what is agreed to, and a [`Listener`] that takes connections;
//!   [`serve`] and [`accept`] for short. [`Upgrade`] is a request that waits for your answer,
//!   [`Connections`] and [`Drain`] make a server leave in order. In an HTTP server that is there
//!   already: the modules `hyper` and `axum`.
//! - Both give a [`WebSocket`]: [`recv`](WebSocket::recv), [`send`](WebSocket::send),
//!   [`close`](WebSocket::close). Its halves, [`Sender`] and [`Receiver`], live in different tasks; no
//!   future of theirs loses anything when it is dropped.
//! - A [`Message`] is text or binary, whole. What is too large to hold is a [`MessageReader`] or a
//!   [`MessageWriter`]; what many are to get is a [`PreparedFrame`]; a byte stream is a [`WebSocketIo`].
//! - [`Config`] has the limits and deadlines, [`DeflateConfig`] the choices of compression.
//! - What goes over the wire can be shown to a person: [`Client::watch`], [`wire`].
//! - What goes wrong is a [`ConnectError`], an [`AcceptError`] or an [`Error`], each sorted by who must
//!   act. A [`CloseStory`] tells how a connection ended.
//!
//! Below them is one driver for both roles, with a low layer that is public:
//! [`WebSocket::poll_receive`], [`WebSocket::queue`], [`WebSocket::try_flush`]. The protocol itself is
//! the crate `tidewire-proto`.
//!
//! # The manual
//!
//! The [`manual`] says what no single item can: [why each default is what it is](manual::defaults),
//! [which attacks are answered where](manual::attacks), [what to do with each error](manual::errors),
//! [what can be seen](manual::observability), [how to test a handler](manual::testing),
//! [how to run a server](manual::deployment), and
//! [how to come here from another library](manual::migrating).
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `futures` | yes | `Stream` and `Sink` for [`WebSocket`], [`Sender`] and [`Receiver`] |
//! | `tls` | yes | `wss://` and TLS servers by rustls with ring, and the roots of the system: module `tls` |
//! | `proxy` | yes | HTTP CONNECT and SOCKS5 proxies, from arguments and from the environment: `Proxy` |
//! | `bundled-roots` | no | Mozilla's roots, compiled in: `ClientTls::bundled_roots`; turns on `tls` |
//! | `hyper` | no | upgrades of requests that hyper received: module `hyper` |
//! | `axum` | no | an extractor of the shape of axum's own: module `axum`; turns on `hyper` and `futures` |
//! | `json` | no | `Message::json`, `parse_json`, `send_json`, `recv_json` |
//! | `tracing` | no | events for `tracing`: [the catalogue](manual::observability) |
//! | `test-util` | no | a network in memory and in virtual time, for tests of handlers: module `test_util` |
//!
//! Without any feature there are plain `ws://` clients and servers.
//!
//! # Panics
//!
//! It runs inside a tokio runtime with its I/O and time enabled, and panics outside of one. A client
//! panics if the system has no randomness: masks that can be guessed are none (RFC 6455 §10.3).
//! Otherwise only what says so panics, for errors of the caller; nothing that a peer sends does.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "axum")]
pub mod axum;
mod client;
mod driver;
mod error;
#[cfg(feature = "futures")]
mod futures;
mod handle;
#[cfg(feature = "hyper")]
pub mod hyper;
#[cfg(feature = "json")]
mod json;
pub mod manual;
mod message;
mod observe;
pub mod reconnect;
mod server;
mod split;
mod streaming;
#[cfg(feature = "test-util")]
pub mod test_util;
#[cfg(feature = "tls")]
pub mod tls;
mod websocket;

pub use client::error::{ConnectError, ConnectStage, RedirectError, RedirectReason, Unreachable};
#[cfg(feature = "proxy")]
pub use client::proxy::{
    Proxy,
    error::{ProxyError, ProxyReason},
};
pub use client::{Client, connect};
pub use driver::core::Flush;
pub use driver::link::Link;
pub use driver::receive::Received;
pub use driver::stream::Io;
pub use error::Error;
#[cfg(feature = "json")]
pub use json::{JsonError, NotJson};
pub use message::{Message, NotText};
pub use observe::traffic::{Traffic, TrafficCount};
pub use observe::wire;
pub use reconnect::Reconnecting;
pub use server::error::AcceptError;
pub use server::{
    Accepted, AnswerMisuse, Connections, Drain, Drained, Incoming, Listener, Member, PlainRequest,
    Server, Upgrade, accept, serve,
};
pub use split::{Receiver, Sender};
pub use streaming::{MessageReader, MessageWriter, WebSocketIo};
pub use websocket::WebSocket;

pub use tidewire_proto::deflate::AnswerError;
pub use tidewire_proto::deflate::DeflateConfig;
pub use tidewire_proto::deflate::params::Params as DeflateParams;
pub use tidewire_proto::handshake::error::{HeadError, RequestError};
pub use tidewire_proto::handshake::headers::ListError;
pub use tidewire_proto::handshake::http1::HeadLimits;
pub use tidewire_proto::handshake::origin::OriginPolicy;
pub use tidewire_proto::handshake::server::{Reason as RefusalReason, Refusal};
pub use tidewire_proto::handshake::{RequestMisuse, ResponseError};
pub use tidewire_proto::{
    CloseCode, CloseFrame, CloseStory, ClosedBy, Config, Connection, Event, Failure, InvalidUtf8,
    Kind, LimitExceeded, Payload, PreparedFrame, ProtocolViolation, SendError, Text, TextPayload,
    Timeout,
};

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// The examples of the crate's page compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct CratePage;

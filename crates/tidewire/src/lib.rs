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
//! The rooms: [`WebSocket`] (and its halves, [`Sender`] and [`Receiver`]); [`Client`] and
//! [`connect`], and [`Reconnecting`]; [`Server`], [`Listener`], [`accept`] and [`serve`];
//! [`Message`]; the errors. Below them is one driver for both roles, with a low layer that is public:
//! [`WebSocket::poll_receive`], [`WebSocket::queue`], [`WebSocket::try_flush`]. The protocol itself
//! is the crate `tidewire-proto`.
//!
//! It runs inside a tokio runtime with its I/O and time enabled.

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

pub use client::dial::Unreachable;
pub use client::error::{ConnectError, ConnectStage};
#[cfg(feature = "proxy")]
pub use client::proxy::{
    Proxy,
    error::{ProxyError, ProxyReason},
};
pub use client::redirect::{RedirectError, RedirectReason};
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

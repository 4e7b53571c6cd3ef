//! Upgrades of requests that hyper received: a WebSocket on one path of an HTTP/1.1 server.
//!
//! In one line, with a handler for what becomes a WebSocket and the right answer for what does not:
//!
//! ```no_run
//! use hyper::{Request, Response, body::Incoming, service::service_fn};
//! # use hyper_util::rt::TokioIo;
//! use std::convert::Infallible;
//!
//! async fn answer(mut request: Request<Incoming>) -> Result<Response<String>, Infallible> {
//!     if request.uri().path() != "/echo" {
//!         return Ok(Response::new("plain HTTP\n".into()));
//!     }
//!     let server = tidewire::Server::new();
//!     Ok(tidewire::hyper::serve(&mut request, &server, |mut ws| async move {
//!         while let Ok(Some(message)) = ws.recv().await {
//!             if ws.send(message).await.is_err() { break }
//!         }
//!     }))
//! }
//! # async fn connection(tcp: tokio::net::TcpStream) -> Result<(), hyper::Error> {
//! hyper::server::conn::http1::Builder::new()
//!     .serve_connection(TokioIo::new(tcp), service_fn(answer))
//!     .with_upgrades() // or hyper keeps the connection, see HandoverError::NotEnabled
//!     .await
//! # }
//! ```
//!
//! Step by step, where something is to be decided in between: [`Upgrade::new`] judges the request,
//! [`Upgrade::accept`] gives the response to return and a future of the [`WebSocket`]:
//!
//! ```
//! # use hyper::{Request, Response, body::Incoming};
//! # use tidewire::hyper::Upgrade;
//! # fn example(mut request: Request<Incoming>, server: &tidewire::Server) -> Response<String> {
//! let upgrade = match Upgrade::new(&mut request, server) {
//!     Ok(upgrade) => upgrade,
//!     Err(error) => return error.into(), // 400, 403, 405, 426 …, with a line that says why
//! };
//! let (response, upgrading) = upgrade
//!     .header("set-cookie", "seen=1")
//!     .accept();
//! tokio::spawn(async move {
//!     match upgrading.await {
//!         Ok(ws) => { /* talk */ drop(ws) }
//!         Err(error) => eprintln!("{error}"),
//!     }
//! });
//! response
//! # }
//! ```
//!
//! # What is checked
//!
//! Every rule about headers that [`Server::accept`] checks is checked here too: exactly one Host,
//! Version and Key, no body, the grammar of every list, and the Origin policy. What happens below
//! the headers is hyper's: it takes lines that end with a bare LF, and its own limits and time-outs
//! hold for the head ([`Server::head_limits`] and [`Server::handshake_timeout`] have no effect
//! here). Set hyper's `timer` and `header_read_timeout`, or a client may drip its head for ever.
//!
//! Only HTTP/1.1 requests are upgraded. A WebSocket over HTTP/2 (RFC 8441) is refused with 505.
//!
//! # What it costs
//!
//! hyper's connection ends with the upgrade. Where it ran over a `TokioIo<TcpStream>`, also in
//! hyper-util's and axum's servers, the socket is taken out, and the connection costs what one of
//! [`Listener`](crate::Listener) costs; any other stream stays in hyper's box, which adds one
//! indirection to each read and write. Bytes that hyper has read behind the head are not lost.

mod error;
mod handover;

pub use error::{HandoverError, UpgradeError};
pub use handover::Upgrading;

use crate::server::{AnswerMisuse, add_header};
use crate::{Config, Refusal, Server, WebSocket};
use ::hyper::upgrade::OnUpgrade;
use http::header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use http::{HeaderMap, Request, Response, Uri, Version};
use std::future::Future;
use std::sync::Arc;
use tidewire_proto::handshake::headers;
use tidewire_proto::handshake::server::{Accepted, Reason};

/// Answers a request: with a WebSocket that `handler` gets in a task of its own, or with the
/// response that tells the client why not. Return the response as it is.
///
/// A client that leaves before it is upgraded is not told of: use [`Upgrade`] to see that.
///
/// # Panics
///
/// Outside of a tokio runtime.
pub fn serve<B, H, F>(request: &mut Request<B>, server: &Server, handler: H) -> Response<String>
where
    H: FnOnce(WebSocket) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    match Upgrade::new(request, server) {
        Ok(upgrade) => upgrade.serve(handler),
        Err(error) => error.into(),
    }
}

/// A request that may become a WebSocket, not answered yet. Dropped, it is an ordinary request that
/// can be answered with any response.
///
/// What it agrees to was settled by the [`Server`] it was judged by. A server is cheap to clone and
/// to change, so that each request can have its own: look at the request first.
#[derive(Debug)]
#[must_use = "it is answered by `accept` or `serve`"]
pub struct Upgrade {
    on_upgrade: OnUpgrade,
    accepted: Accepted,
    offered: Vec<String>,
    target: Uri,
    server: Server,
    /// The first thing that was set and cannot be sent.
    misuse: Option<AnswerMisuse>,
}

impl Upgrade {
    /// Judges a request by the rules of RFC 6455 and by what `server` agrees to. An accepted request
    /// gives up its claim on the connection: it can be upgraded only once.
    ///
    /// # Errors
    ///
    /// See [`UpgradeError`]; it converts into the response to return.
    pub fn new<B>(request: &mut Request<B>, server: &Server) -> Result<Self, UpgradeError> {
        let none = request.extensions().get::<OnUpgrade>().is_none();
        let mut upgrade = Self::judge(request, server.clone()).map_err(UpgradeError::Refused)?;
        if none {
            return Err(UpgradeError::NoConnection);
        }
        upgrade.on_upgrade = ::hyper::upgrade::on(request);
        Ok(upgrade)
    }

    /// As [`new`](Self::new), for a caller that has the connection.
    #[cfg(feature = "axum")]
    pub(crate) fn with_connection<B>(
        request: &Request<B>,
        server: Server,
        on_upgrade: OnUpgrade,
    ) -> Result<Self, Box<Refusal>> {
        let mut upgrade = Self::judge(request, server)?;
        upgrade.on_upgrade = on_upgrade;
        Ok(upgrade)
    }

    /// Whether a request keeps every rule.
    #[cfg(feature = "axum")]
    pub(crate) fn check<B>(request: &Request<B>, server: Server) -> Result<(), Box<Refusal>> {
        Self::judge(request, server).map(|_| ())
    }

    fn judge<B>(request: &Request<B>, server: Server) -> Result<Self, Box<Refusal>> {
        // Newer versions ask with CONNECT (RFC 8441 §4): not the method is what is wrong then.
        if request.version() > Version::HTTP_11 {
            let refusal = Refusal::from(Reason::HttpVersion(request.version()));
            return Err(Box::new(refusal));
        }
        let accepted = server.judge(request)?;
        let offered = offered_subprotocols(request.headers());
        Ok(Self {
            on_upgrade: ::hyper::upgrade::on(Request::new(())),
            accepted,
            offered: offered.map(str::to_owned).collect(),
            target: request.uri().clone(),
            server,
            misuse: None,
        })
    }

    /// The subprotocols that the client offers, in its order.
    pub fn offered_subprotocols(&self) -> impl Iterator<Item = &str> {
        self.offered.iter().map(String::as_str)
    }

    /// Agrees to `name` instead of what the server's list gave. One that was not offered is an error of
    /// [`accept`](Self::accept): the client would have to close (RFC 6455 §4.1). Default:
    /// what [`Server::subprotocols`] picks.
    pub fn subprotocol(mut self, name: &str) -> Self {
        if self.offered.iter().any(|offer| offer == name) {
            self.choose(Some(name));
        } else {
            let misuse = AnswerMisuse::SubprotocolNotOffered(name.to_owned());
            self.misuse.get_or_insert(misuse);
        }
        self
    }

    /// Agrees to `name` if it was offered, otherwise to none.
    pub(crate) fn choose(&mut self, name: Option<&str>) {
        let headers = self.accepted.response.headers_mut();
        headers.remove(SEC_WEBSOCKET_PROTOCOL);
        self.accepted.subprotocol = None;
        let name = name.filter(|&name| self.offered.iter().any(|offer| offer == name));
        // An offer is a token, and so a header's value.
        let value = name.map(HeaderValue::from_str);
        if let (Some(name), Some(Ok(value))) = (name, value) {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, value);
            self.accepted.subprotocol = Some(name.to_owned());
        }
    }

    /// Adds a header to the response, a cookie for example. Default: none. The same name twice makes two lines. One
    /// that cannot be sent, or belongs to the handshake, is an error of [`accept`](Self::accept).
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let headers = self.accepted.response.headers_mut();
        if let Err(misuse) = add_header(headers, name.as_ref(), value.as_ref()) {
            self.misuse.get_or_insert(misuse);
        }
        self
    }

    /// Limits and deadlines of this connection. Default: as [`Server::config`] says.
    pub fn config(mut self, config: impl Into<Arc<Config>>) -> Self {
        self.server = self.server.config(config);
        self
    }

    /// How many bytes may wait to be written before `send` waits. Default: as [`Server::high_water`]
    /// says.
    pub fn high_water(mut self, bytes: usize) -> Self {
        self.server = self.server.high_water(bytes);
        self
    }

    /// The response to return to hyper, with status 101 and no body, and a future of the WebSocket.
    ///
    /// The future resolves after hyper has written the response, so it must be awaited in another
    /// task than the one that returns the response. Dropped, it ends the connection.
    ///
    /// If something was set that cannot be sent, the response has status 500, and the future fails
    /// with [`HandoverError::Misuse`].
    #[must_use = "the response must be returned, and the future awaited in a task of its own"]
    pub fn accept(mut self) -> (Response<String>, Upgrading) {
        if let Some(misuse) = self.misuse {
            return (error::failed(), Upgrading::failed(misuse));
        }
        let response = std::mem::take(&mut self.accepted.response);
        let upgrading = Upgrading::new(self.on_upgrade, move |stream, leftover| {
            self.server
                .open(stream, self.accepted, self.target, leftover)
        });
        (response.map(|()| String::new()), upgrading)
    }

    /// As [`accept`](Self::accept), with a task in which `handler` gets the WebSocket. A client that
    /// leaves before is not told of.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    #[must_use = "the response must be returned"]
    pub fn serve<H, F>(self, handler: H) -> Response<String>
    where
        H: FnOnce(WebSocket) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let (response, upgrading) = self.accept();
        tokio::spawn(async move {
            if let Ok(socket) = upgrading.await {
                handler(socket).await;
            }
        });
        response
    }
}

/// The subprotocols that a request offers, in its order; none if the list is malformed.
pub(crate) fn offered_subprotocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers::tokens(headers, &SEC_WEBSOCKET_PROTOCOL)
        .unwrap_or_default()
        .into_iter()
}

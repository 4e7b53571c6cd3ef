//! A request that may become a WebSocket, in the hands of the application.

use super::answer::{self, Answer, REFUSAL_TIME};
use super::error::AcceptError;
use super::misuse::AnswerMisuse;
use super::{Arrival, Server};
use crate::driver::stream::Stream;
use crate::websocket::WebSocket;
use crate::{Config, DeflateConfig};
use bytes::Bytes;
use http::HeaderMap;
use http::header::SEC_WEBSOCKET_PROTOCOL;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tidewire_proto::handshake::headers;
use tidewire_proto::handshake::server;
use tokio::runtime::Handle;

/// A request for a WebSocket that breaks no rule and comes from an allowed origin. The application
/// looks at it, takes the time it needs, and then accepts or refuses it.
///
/// It comes from [`Server::receive`], [`Incoming::request`](crate::Incoming::request) or
/// [`Listener::serve_upgrades`](crate::Listener::serve_upgrades). What is set here holds for this
/// connection alone.
///
/// # Dropping
///
/// Dropped without an answer (a handler that returns early, panics or is cancelled), the client is
/// answered with 500, in a task of the runtime; outside of one its connection just ends.
#[derive(Debug)]
pub struct Upgrade {
    pending: Box<Pending>,
    changes: Changes,
    stream: Unanswered,
}

/// A request, and what it takes to answer it.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) server: Server,
    pub(super) arrival: Arrival,
    pub(super) request: http::Request<()>,
    pub(super) accepted: server::Accepted,
    pub(super) leftover: Vec<u8>,
    /// What is left of the client's time.
    pub(super) left: Duration,
}

/// What the application wants otherwise.
#[derive(Debug, Default)]
struct Changes {
    headers: HeaderMap,
    /// Whether the answer composed so far is out of date.
    renegotiate: bool,
    misuse: Option<AnswerMisuse>,
}

impl Upgrade {
    pub(super) fn new(stream: Stream, pending: Pending) -> Self {
        Self {
            pending: Box::new(pending),
            changes: Changes::default(),
            stream: Unanswered(Some(stream)),
        }
    }

    /// The request: method, target, headers (cookies among them).
    #[must_use]
    pub fn request(&self) -> &http::Request<()> {
        &self.pending.request
    }

    /// The client's address; `None` if the stream has none, as a Unix socket. Behind a proxy it is
    /// the proxy's.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        let tcp = || self.stream.0.as_ref()?.tcp()?.peer_addr().ok();
        self.pending.arrival.peer.or_else(tcp)
    }

    /// The TLS below, if there is some: who the client is by its certificate, and which name it asked
    /// for.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(&self) -> Option<&crate::tls::TlsStream> {
        match self.stream.0.as_ref()? {
            Stream::Tls(tls) => Some(tls),
            _ => None,
        }
    }

    /// The subprotocols that the client offers, the one it prefers first.
    #[must_use]
    pub fn offered_subprotocols(&self) -> Vec<&str> {
        // The list has been judged: it is one.
        headers::tokens(self.pending.request.headers(), &SEC_WEBSOCKET_PROTOCOL).unwrap_or_default()
    }

    /// Adds a header to the response that accepts. The same name twice makes two lines, as
    /// `Set-Cookie` needs. Headers that belong to the handshake (`Sec-WebSocket-…`, `Upgrade`,
    /// `Connection`), and names and values that no header may have, are an error of
    /// [`accept`](Self::accept). Default: none.
    #[must_use]
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let headers = &mut self.changes.headers;
        let added = answer::add_header(headers, name.as_ref(), value.as_ref());
        self.changes.note(added);
        self
    }

    /// Agrees to this subprotocol, whatever [`Server::subprotocols`] says. One that was not offered
    /// is an error of [`accept`](Self::accept): the client would have to close (RFC 6455 §4.1).
    /// Default: what [`Server::subprotocols`] picks.
    #[must_use]
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        let name = name.into();
        if !self.offered_subprotocols().contains(&&*name) {
            let misuse = AnswerMisuse::SubprotocolNotOffered(name);
            self.changes.note(Err(misuse));
            return self;
        }
        self.renegotiated(|server| server.subprotocols([name]))
    }

    /// How an offer to compress is answered; `None`: it is declined. Default: as
    /// [`Server::deflate`] says.
    #[must_use]
    pub fn deflate(self, deflate: Option<DeflateConfig>) -> Self {
        self.renegotiated(|server| server.deflate(deflate))
    }

    /// Limits and deadlines of the connection. Default: as [`Server::config`] says.
    #[must_use]
    pub fn config(self, config: impl Into<Arc<Config>>) -> Self {
        self.served(|server| server.config(config))
    }

    /// How many bytes may wait to be written before `send` waits. Default: as
    /// [`Server::high_water`] says.
    #[must_use]
    pub fn high_water(self, bytes: usize) -> Self {
        self.served(|server| server.high_water(bytes))
    }

    fn served(mut self, change: impl FnOnce(Server) -> Server) -> Self {
        self.pending.server = change(std::mem::take(&mut self.pending.server));
        self
    }

    fn renegotiated(mut self, change: impl FnOnce(Server) -> Server) -> Self {
        self.changes.renegotiate = true;
        self.served(change)
    }

    /// Accepts: the connection is a WebSocket from here on.
    ///
    /// # Errors
    ///
    /// [`AcceptError::Misuse`] if something was set that cannot be sent: the client was answered with
    /// 500. [`AcceptError::Stopping`] if the server began to [drain](crate::Connections::drain)
    /// meanwhile: the client was answered with 503. Otherwise the client has left or does not read.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it resolves, the connection ends.
    pub fn accept(self) -> impl Future<Output = Result<WebSocket, AcceptError>> + Send + use<> {
        Box::pin(async move {
            let Self {
                pending,
                changes,
                mut stream,
            } = self;
            let Pending {
                server,
                arrival,
                request,
                mut accepted,
                leftover,
                left,
            } = *pending;
            let mut stream = stream.take()?;
            if let Some(misuse) = changes.misuse {
                let _ = Answer::failed().end(stream, REFUSAL_TIME).await;
                return Err(AcceptError::Misuse(misuse));
            }
            if arrival.is_stopping() {
                let _ = Answer::stopping().end(stream, REFUSAL_TIME).await;
                return Err(AcceptError::Stopping);
            }
            if changes.renegotiate {
                // The same rules, another policy: what passed once passes again.
                accepted = server.judge(&request).map_err(AcceptError::Refused)?;
            }
            accepted.response.headers_mut().extend(changes.headers);
            let answer = Answer::of(&accepted.response, Bytes::new());
            answer.write(&mut stream, left).await?;
            let target = request.into_parts().0.uri;
            let socket = server.open(stream, accepted, target, leftover);
            arrival.opened(&socket);
            Ok(socket)
        })
    }

    /// Refuses with any HTTP response: 401 with `WWW-Authenticate`, 429 with `Retry-After`, a
    /// redirect. `Content-Length` and `Connection: close` are set for it, and the connection ends.
    /// Resolves when the client has read it, or does not.
    ///
    /// # Errors
    ///
    /// [`AcceptError::Misuse`] if the response cannot be sent: an interim status, a header that
    /// belongs to the handshake (`Sec-WebSocket-…`, `Upgrade`, `Connection`, `Transfer-Encoding`), a
    /// body where the status allows none. The client was answered with 500. [`AcceptError::Timeout`]
    /// if it does not read within the [handshake timeout](Server::handshake_timeout), and
    /// [`AcceptError::Io`] if it has left.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it resolves, the connection ends.
    pub fn refuse<B: Into<Bytes>>(
        self,
        response: http::Response<B>,
    ) -> impl Future<Output = Result<(), AcceptError>> + Send + use<B> {
        let answer = Answer::custom(response.map(Into::into));
        Box::pin(async move {
            let Self {
                pending,
                mut stream,
                ..
            } = self;
            let stream = stream.take()?;
            match answer {
                Ok(answer) => {
                    let time = pending.server.handshake_timeout;
                    answer.end(stream, time).await
                }
                Err(misuse) => {
                    let _ = Answer::failed().end(stream, REFUSAL_TIME).await;
                    Err(AcceptError::Misuse(misuse))
                }
            }
        })
    }
}

impl Changes {
    /// Keeps the first misuse, to be told by `accept`.
    fn note(&mut self, outcome: Result<(), AnswerMisuse>) {
        if let Err(misuse) = outcome {
            self.misuse.get_or_insert(misuse);
        }
    }
}

/// The stream of a client that waits for an answer, and gets one in any case.
#[derive(Debug)]
struct Unanswered(Option<Stream>);

impl Unanswered {
    fn take(&mut self) -> io::Result<Stream> {
        self.0.take().ok_or(io::ErrorKind::NotConnected.into())
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let (Some(stream), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(Box::pin(async move {
                let _ = Answer::failed().end(stream, REFUSAL_TIME).await;
            }));
        }
    }
}

//! The extractor: judges a request, takes the choices of the handler, and answers.

use super::Error;
use super::rejection::{ConnectionNotUpgradable, WebSocketUpgradeRejection, into_response};
use super::socket::WebSocket;
use crate::hyper::{Upgrade, UpgradeError, offered_subprotocols};
use crate::{Config, DeflateConfig, OriginPolicy, Server};
use ::hyper::upgrade::OnUpgrade;
use axum_core::extract::FromRequestParts;
use axum_core::response::Response;
use http::HeaderValue;
use http::request::Parts;
use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, LazyLock};

/// The server of every request that brings none: one, so that connections share its settings.
static DEFAULT: LazyLock<Server> = LazyLock::new(Server::new);

/// Extracts a request that asks for a WebSocket; [`on_upgrade`](Self::on_upgrade) answers it.
///
/// What it agrees to by default is a [`Server`] in the request's extensions, if there is one (give
/// it to a whole router with `.layer(axum::Extension(server))`), or else [`Server::new`].
///
/// See the [module](super) for an example and for what differs from axum's.
#[must_use = "the request is answered by `on_upgrade`"]
pub struct WebSocketUpgrade<F = DefaultOnFailedUpgrade> {
    on_upgrade: OnUpgrade,
    /// Method, target and headers, to be judged again by what the handler chooses.
    head: Box<http::Request<()>>,
    requested: Vec<HeaderValue>,
    choices: Choices,
    on_failed_upgrade: F,
}

/// What the handler chose.
struct Choices {
    server: Server,
    max_message: Option<usize>,
    max_frame: Option<usize>,
    subprotocol: Subprotocol,
}

/// Who picks the subprotocol.
enum Subprotocol {
    /// The server's own list.
    Server,
    /// The handler did.
    Handler(Option<HeaderValue>),
}

impl Choices {
    /// The server with all that was chosen, in whatever order.
    fn server(&self) -> Server {
        let mut server = self.server.clone();
        if self.max_message.is_some() || self.max_frame.is_some() {
            let config = server.config_mut();
            if let Some(bytes) = self.max_message {
                // A frame of the whole message fits, unless the handler says otherwise.
                config.max_message = bytes;
                config.max_frame = config.max_frame.max(bytes);
            }
            if let Some(bytes) = self.max_frame {
                config.max_frame = bytes;
            }
        }
        server
    }
}

impl<F> WebSocketUpgrade<F> {
    fn change(mut self, change: impl FnOnce(Server) -> Server) -> Self {
        self.choices.server = change(self.choices.server);
        self
    }

    /// What it agrees to, all at once: Origin policy, subprotocols, compression, limits. Replaces
    /// what [`config`](Self::config) and its like have chosen before. Default: the [`Server`] in the
    /// request's extensions, or [`Server::new`].
    pub fn server(self, server: Server) -> Self {
        self.change(|_| server)
    }

    /// Limits and deadlines. Default: those of [`Config::new`], with messages up to 16 MiB.
    pub fn config(self, config: impl Into<Arc<Config>>) -> Self {
        self.change(|server| server.config(config))
    }

    /// Which pages may connect. Default: those of the same host and port. axum's own extractor has
    /// no such check; [`OriginPolicy::Any`] is what it does, and costs a server that trusts cookies
    /// or its network everything. A page that may not is answered with 403.
    pub fn origin(self, origin: OriginPolicy) -> Self {
        self.change(|server| server.origin(origin))
    }

    /// How an offer to compress is answered; `None`: it is declined. Default: accepted, without
    /// context takeover.
    pub fn deflate(self, deflate: Option<DeflateConfig>) -> Self {
        self.change(|server| server.deflate(deflate))
    }

    /// The largest message in bytes, after decompression. Default 16 MiB (axum: 64 MiB). A larger
    /// one ends the connection with 1009; one peer can make it hold this much. A message may come in
    /// one frame, unless [`max_frame_size`](Self::max_frame_size) says otherwise.
    pub fn max_message_size(mut self, max: usize) -> Self {
        self.choices.max_message = Some(max);
        self
    }

    /// The largest frame in bytes, as it is on the wire. Default 16 MiB. A larger claim is refused
    /// with 1009 before its payload is read. Too small, and clients that never fragment cannot send
    /// large messages.
    pub fn max_frame_size(mut self, max: usize) -> Self {
        self.choices.max_frame = Some(max);
        self
    }

    /// How many bytes may wait to be written before sending waits: see [`Server::high_water`].
    /// Default 64 KiB. axum's extractor fails a send instead that would exceed it.
    pub fn max_write_buffer_size(self, max: usize) -> Self {
        self.change(|server| server.high_water(max))
    }

    /// Does nothing: a connection has no read buffer, it reads into one that its thread shares.
    #[deprecated(note = "has no effect: connections read into a buffer that their thread shares")]
    pub fn read_buffer_size(self, _size: usize) -> Self {
        self
    }

    /// Does nothing: messages that are sent together are written together, and none is held back.
    #[deprecated(note = "has no effect: what is sent together is written together, by itself")]
    pub fn write_buffer_size(self, _size: usize) -> Self {
        self
    }

    /// The subprotocols to agree to, the preferred one first: the first that the client offers is
    /// picked, or none. Default: what the [`Server`] picks.
    pub fn protocols<I>(mut self, protocols: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Cow<'static, str>>,
    {
        let picked = protocols.into_iter().map(Into::into).find_map(|name| {
            let offer = self.requested.iter().find(|offer| *offer == &*name);
            offer.cloned()
        });
        self.choices.subprotocol = Subprotocol::Handler(picked);
        self
    }

    /// The subprotocols that the client offers, in its order.
    pub fn requested_protocols(&self) -> impl Iterator<Item = &HeaderValue> {
        self.requested.iter()
    }

    /// Agrees to this subprotocol. One that the client did not offer agrees to none: the client
    /// would have to fail the connection (RFC 6455 §4.1, response item 6).
    pub fn set_selected_protocol(&mut self, protocol: HeaderValue) {
        let offered = self.requested.contains(&protocol);
        self.choices.subprotocol = Subprotocol::Handler(offered.then_some(protocol));
    }

    /// The subprotocol that the handler has picked, with [`protocols`](Self::protocols) or
    /// [`set_selected_protocol`](Self::set_selected_protocol).
    #[must_use]
    pub fn selected_protocol(&self) -> Option<&HeaderValue> {
        match &self.choices.subprotocol {
            Subprotocol::Handler(picked) => picked.as_ref(),
            Subprotocol::Server => None,
        }
    }

    /// What to do if the request does not become a WebSocket after all: the client left before the
    /// response was written, or its page may not connect. Default: nothing. The error within is a
    /// [`HandoverError`](crate::hyper::HandoverError) or an
    /// [`UpgradeError`](crate::hyper::UpgradeError).
    pub fn on_failed_upgrade<C: OnFailedUpgrade>(self, callback: C) -> WebSocketUpgrade<C> {
        WebSocketUpgrade {
            on_upgrade: self.on_upgrade,
            head: self.head,
            requested: self.requested,
            choices: self.choices,
            on_failed_upgrade: callback,
        }
    }

    /// The response that opens the WebSocket, or that refuses a page of another origin. Once it is
    /// written, `callback` gets the WebSocket in a task of its own; when the callback's future ends,
    /// so does the connection.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    #[must_use = "the response must be returned"]
    pub fn on_upgrade<C, Fut>(self, callback: C) -> Response
    where
        C: FnOnce(WebSocket) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
        F: OnFailedUpgrade,
    {
        self.on_connect(|socket| callback(WebSocket::new(socket)))
    }

    /// As [`on_upgrade`](Self::on_upgrade), with this crate's own [`WebSocket`](crate::WebSocket).
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    #[must_use = "the response must be returned"]
    pub fn on_connect<C, Fut>(self, callback: C) -> Response
    where
        C: FnOnce(crate::WebSocket) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
        F: OnFailedUpgrade,
    {
        let server = self.choices.server();
        let mut upgrade = match Upgrade::with_connection(&self.head, server, self.on_upgrade) {
            Ok(upgrade) => upgrade,
            Err(refusal) => {
                let error = UpgradeError::Refused(refusal.clone());
                self.on_failed_upgrade.call(Error::new(error));
                return into_response(UpgradeError::Refused(refusal).into());
            }
        };
        if let Subprotocol::Handler(picked) = &self.choices.subprotocol {
            // An offer is a token, and so is text; the empty name is never offered.
            let name = picked.as_ref().and_then(|name| name.to_str().ok());
            upgrade.choose(name);
        }
        let on_failed_upgrade = self.on_failed_upgrade;
        let (response, upgrading) = upgrade.accept();
        tokio::spawn(async move {
            match upgrading.await {
                Ok(socket) => callback(socket).await,
                Err(error) => on_failed_upgrade.call(Error::new(error)),
            }
        });
        into_response(response)
    }
}

impl<F> fmt::Debug for WebSocketUpgrade<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketUpgrade")
            .field("requested", &self.requested)
            .field("server", &self.choices.server)
            .finish_non_exhaustive()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for WebSocketUpgrade<DefaultOnFailedUpgrade> {
    type Rejection = WebSocketUpgradeRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let mut head = http::Request::new(());
        *head.method_mut() = parts.method.clone();
        *head.uri_mut() = parts.uri.clone();
        *head.version_mut() = parts.version;
        *head.headers_mut() = parts.headers.clone();

        let server = parts.extensions.get::<Server>().unwrap_or(&DEFAULT).clone();
        // Whether the page may connect is judged when the handler has chosen the policy.
        Upgrade::check(&head, server.clone().origin(OriginPolicy::Any))?;
        let on_upgrade = parts.extensions.remove::<OnUpgrade>();
        let requested = offered_subprotocols(&parts.headers);
        Ok(Self {
            on_upgrade: on_upgrade.ok_or(ConnectionNotUpgradable)?,
            requested: requested
                .filter_map(|name| HeaderValue::from_str(name).ok())
                .collect(),
            head: Box::new(head),
            choices: Choices {
                server,
                max_message: None,
                max_frame: None,
                subprotocol: Subprotocol::Server,
            },
            on_failed_upgrade: DefaultOnFailedUpgrade,
        })
    }
}

/// What to do if an upgrade fails; every `FnOnce(Error)` is one.
pub trait OnFailedUpgrade: Send + 'static {
    /// Called at most once, with why.
    fn call(self, error: Error);
}

impl<F: FnOnce(Error) + Send + 'static> OnFailedUpgrade for F {
    fn call(self, error: Error) {
        self(error);
    }
}

/// Does nothing if an upgrade fails.
#[derive(Debug)]
#[non_exhaustive]
pub struct DefaultOnFailedUpgrade;

impl OnFailedUpgrade for DefaultOnFailedUpgrade {
    fn call(self, _: Error) {}
}

//! The client: [`connect`], and [`Client`] for what can be chosen.
//!
//! - [`url`]: what a `ws://` URL says
//! - [`exchange`]: the handshake over a byte stream

mod exchange;
mod url;

use crate::driver::core::Settings;
use crate::driver::stream::Io;
use crate::error::ConnectError;
use crate::websocket::WebSocket;
use crate::{Config, DeflateConfig};
use http::{HeaderName, HeaderValue};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tidewire_proto::handshake::error::RequestMisuse;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Connects to a `ws://` URL with the defaults.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let mut ws = tidewire::connect("ws://127.0.0.1:4000/").await?;
/// ws.send("hello").await?;
/// while let Some(message) = ws.recv().await? {
///     println!("{message:?}");
/// }
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// See [`ConnectError`].
///
/// # Cancel safety
///
/// Safe: dropped before it resolves, the connection attempt ends.
pub async fn connect(url: impl AsRef<str>) -> Result<WebSocket, ConnectError> {
    Client::new(url).connect().await
}

/// A client to be: where to connect, and what to ask for.
#[derive(Clone, Debug)]
pub struct Client {
    url: String,
    headers: Vec<(String, String)>,
    origin: Option<String>,
    subprotocols: Vec<String>,
    deflate: Option<DeflateConfig>,
    settings: Settings,
    handshake_timeout: Duration,
}

impl Client {
    /// A client for a `ws://` URL. A URL that cannot be used is an error of
    /// [`connect`](Self::connect).
    pub fn new(url: impl AsRef<str>) -> Self {
        Self {
            url: url.as_ref().to_owned(),
            headers: Vec::new(),
            origin: None,
            subprotocols: Vec::new(),
            deflate: Some(DeflateConfig::default()),
            settings: Settings::default(),
            handshake_timeout: Duration::from_secs(10),
        }
    }

    /// Adds a header to the request. The same name twice makes two lines. `Host` and those of the
    /// handshake itself are an error of [`connect`](Self::connect).
    #[must_use]
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.headers
            .push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sends an `Origin`, as a browser does. Default: none.
    #[must_use]
    pub fn origin(mut self, origin: impl AsRef<str>) -> Self {
        self.origin = Some(origin.as_ref().to_owned());
        self
    }

    /// Offers a subprotocol, after those offered before. The server may pick one of them or none:
    /// see [`WebSocket::subprotocol`].
    #[must_use]
    pub fn subprotocol(mut self, name: impl AsRef<str>) -> Self {
        self.subprotocols.push(name.as_ref().to_owned());
        self
    }

    /// How compression is offered; `None`: not at all. Default: offered, without context takeover.
    #[must_use]
    pub fn deflate(mut self, deflate: Option<DeflateConfig>) -> Self {
        self.deflate = deflate;
        self
    }

    /// Limits and deadlines of the connection.
    #[must_use]
    pub fn config(mut self, config: impl Into<Arc<Config>>) -> Self {
        self.settings.config = config.into();
        self
    }

    /// How many bytes may wait to be written before `send` waits. Default 64 KiB. Too small writes
    /// often and little; too large hides a slow peer and holds that much for each.
    #[must_use]
    pub fn high_water(mut self, bytes: usize) -> Self {
        self.settings.high_water = u32::try_from(bytes).unwrap_or(u32::MAX).max(1);
        self
    }

    /// How long the TCP connection and the handshake may take, each. Default 10 s.
    #[must_use]
    pub fn handshake_timeout(mut self, time: Duration) -> Self {
        self.handshake_timeout = time;
        self
    }

    /// Connects over TCP.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`].
    ///
    /// # Cancel safety
    ///
    /// Safe: dropped before it resolves, the connection attempt ends.
    pub fn connect(self) -> impl Future<Output = Result<WebSocket, ConnectError>> + Send {
        // Boxed, so that the future that lives as long as the connection does not hold the room that
        // only the handshake needs.
        Box::pin(async move {
            let url = url::parse(&self.url)?;
            let tcp = TcpStream::connect((url.host.as_str(), url.port));
            let tcp = timeout(self.handshake_timeout, tcp).await;
            self.handshake(tcp.map_err(|_| ConnectError::Timeout)??)
                .await
        })
    }

    /// Performs the handshake over a stream that is connected already; the URL gives the Host header
    /// and the path.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before it resolves, the stream is dropped with it.
    pub fn handshake<S: Io>(
        self,
        io: S,
    ) -> impl Future<Output = Result<WebSocket, ConnectError>> + Send {
        let time = self.handshake_timeout;
        Box::pin(async move {
            let exchange = exchange::exchange(self, io);
            timeout(time, exchange)
                .await
                .map_err(|_| ConnectError::Timeout)?
        })
    }

    fn parsed_headers(&self) -> Result<Vec<(HeaderName, HeaderValue)>, ConnectError> {
        self.headers
            .iter()
            .map(|(name, value)| {
                let name: HeaderName = name
                    .parse()
                    .map_err(|_| ConnectError::InvalidHeader(name.clone()))?;
                let value = HeaderValue::from_str(value)
                    .map_err(|_| ConnectError::InvalidHeader(name.to_string()))?;
                Ok((name, value))
            })
            .collect()
    }
}

impl From<RequestMisuse> for ConnectError {
    fn from(misuse: RequestMisuse) -> Self {
        Self::InvalidRequest(misuse)
    }
}

//! From what was typed to an open connection: the target, everything the flags say of the way to it,
//! and what to tell when it cannot be reached.
//!
//! - [`request`]: what is asked for; [`cookies`]: the jar
//! - [`route`]: proxy and addresses; [`secure`] and [`identity`]: TLS
//! - [`input`]: files, environment, questions; [`place`]: what the URL says
//! - [`trouble`]: why there is no connection

mod cookies;
mod identity;
mod input;
mod place;
mod request;
mod route;
mod secure;
mod trouble;

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use tidewire::wire::Seen;
use tidewire::{Client, Config, ConnectError, ConnectStage, WebSocket};

use self::input::Wrong;
use self::place::Place;
use self::request::Request;
use crate::addr;
use crate::args::DialArgs;
use crate::exit::Exit;

pub(crate) use self::trouble::explain;

/// How many redirects `-L` follows.
const REDIRECTS: usize = 10;

/// A server, and how to reach it: all files are read, all secrets asked for.
#[derive(Debug, Clone)]
pub(crate) struct Dial {
    url: String,
    client: Client,
    headers: Vec<(HeaderName, HeaderValue)>,
    offered: Vec<String>,
    config: Config,
    patience: Duration,
}

impl Dial {
    /// Makes sense of `target` as typed and of the flags. On failure the reason has been printed.
    pub(crate) fn prepare(target: &str, args: &DialArgs) -> Result<Dial, Exit> {
        Dial::read(target, args).map_err(Wrong::say)
    }

    fn read(target: &str, args: &DialArgs) -> Result<Dial, Wrong> {
        let url = addr::url(target);
        let place = Place::of(&url);
        let request = Request::of(args, place.as_ref())?;
        let config = match args.max_message {
            Some(bytes) => Config::new().max_message(bytes).max_frame(bytes),
            None => Config::new(),
        };
        let mut client = Client::new(&url)
            .connect_timeout(args.connect_timeout)
            .handshake_timeout(args.connect_timeout)
            .config(config.clone())
            .redirects(match (args.max_redirects, args.location) {
                (Some(most), _) => most,
                (None, true) => REDIRECTS,
                (None, false) => 0,
            })
            .tls(secure::with_server(args)?);
        for (name, value) in &request.headers {
            client = client.header(name, value.clone());
        }
        for protocol in &request.offered {
            client = client.subprotocol(protocol);
        }
        if let Some(version) = request.version {
            client = client.danger_version(version);
        }
        if args.no_deflate {
            client = client.deflate(None);
        }
        Ok(Dial {
            client: route::choose(client, args, place.as_ref())?,
            url,
            headers: request.headers,
            offered: request.offered,
            config,
            patience: args.connect_timeout,
        })
    }

    /// The URL, with its scheme.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The headers that the flags add to the request, who we are among them, for who writes a request
    /// by himself; several cookies are several headers.
    pub(crate) fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }

    /// The subprotocols that are offered.
    pub(crate) fn offered(&self) -> &[String] {
        &self.offered
    }

    /// Limits as the flags set them; for a client with a configuration of its own, to begin with.
    pub(crate) fn config(&self) -> Config {
        self.config.clone()
    }

    /// How long an attempt may take in all.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// A client as the flags say, without a watcher; for each attempt another one, with which it shares
    /// the TLS sessions.
    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// Connects, in the time the flags allow; `watcher` sees the way and the wire.
    ///
    /// # Errors
    /// See [`explain`], which says them to the user.
    pub(crate) async fn connect(
        &self,
        watcher: Option<impl Fn(Seen<'_>) + Send + Sync + 'static>,
    ) -> Result<WebSocket, ConnectError> {
        let mut client = self.client();
        if let Some(watcher) = watcher {
            client = client.watch(watcher);
        }
        tokio::time::timeout(self.patience(), client.connect())
            .await
            .unwrap_or(Err(ConnectError::Timeout(ConnectStage::Handshake)))
    }
}

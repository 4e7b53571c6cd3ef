//! From what was typed to an open connection: the target, everything the flags say of the way to it,
//! and what to tell when it cannot be reached.

mod trouble;

use std::time::Duration;

use tidewire::wire::Seen;
use tidewire::{Client, ConnectError, ConnectStage, WebSocket};

use crate::addr;
use crate::args::DialArgs;
use crate::exit::Exit;

pub(crate) use self::trouble::explain;

/// A server, and how to reach it: all files are read, all secrets asked for.
#[derive(Debug, Clone)]
pub(crate) struct Dial {
    url: String,
    args: DialArgs,
}

impl Dial {
    /// Makes sense of `target` as typed and of the flags. On failure the reason has been printed.
    pub(crate) fn prepare(target: &str, args: &DialArgs) -> Result<Dial, Exit> {
        Ok(Dial {
            url: addr::url(target),
            args: args.clone(),
        })
    }

    /// The URL, with its scheme.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The subprotocols that are offered.
    pub(crate) fn offered(&self) -> &[String] {
        &self.args.subprotocol
    }

    /// How long an attempt may take in all.
    pub(crate) fn patience(&self) -> Duration {
        self.args.connect_timeout
    }

    /// A client as the flags say, without a watcher; made anew for each attempt.
    pub(crate) fn client(&self) -> Client {
        let mut client = Client::new(&self.url)
            .connect_timeout(self.args.connect_timeout)
            .handshake_timeout(self.args.connect_timeout);
        for (name, value) in &self.args.headers {
            client = client.header(name, value);
        }
        for protocol in &self.args.subprotocol {
            client = client.subprotocol(protocol);
        }
        if let Some(origin) = &self.args.origin {
            client = client.origin(origin);
        }
        client
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

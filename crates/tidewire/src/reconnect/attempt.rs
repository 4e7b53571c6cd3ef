//! One attempt to open a connection: prepare, connect, resume, within one deadline.

use super::BoxError;
use super::event::Attempt;
use super::verdict::End;
use crate::client::Client;
use crate::client::error::ConnectError;
use crate::websocket::WebSocket;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

pub(super) type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Hook<T, E> = Arc<dyn Fn(T, Attempt) -> Boxed<Result<T, E>> + Send + Sync>;
type Connector =
    Arc<dyn Fn(Client, Attempt) -> Boxed<Result<WebSocket, ConnectError>> + Send + Sync>;

/// What the caller wants to be done in each attempt.
#[derive(Clone, Default)]
pub(super) struct Hooks {
    pub(super) prepare: Option<Hook<Client, BoxError>>,
    pub(super) connect: Option<Connector>,
    pub(super) resume: Option<Hook<WebSocket, BoxError>>,
}

impl Hooks {
    /// An attempt, which begins when it is first polled.
    pub(super) fn attempt(
        &self,
        client: Client,
        attempt: Attempt,
        time: Duration,
    ) -> Boxed<Result<WebSocket, End>> {
        let attempt = self.clone().run(client, attempt);
        Box::pin(async move { timeout(time, attempt).await.unwrap_or(Err(End::Slow)) })
    }

    async fn run(self, mut client: Client, attempt: Attempt) -> Result<WebSocket, End> {
        if let Some(prepare) = &self.prepare {
            client = prepare(client, attempt).await.map_err(End::Prepare)?;
        }
        let opened = match &self.connect {
            Some(connect) => connect(client, attempt).await,
            None => client.connect().await,
        };
        let socket = opened.map_err(End::Connect)?;
        match &self.resume {
            Some(resume) => resume(socket, attempt).await.map_err(End::Resume),
            None => Ok(socket),
        }
    }
}

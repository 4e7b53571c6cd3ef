//! Reads a request from a byte stream, and judges it.

use super::answer::{Answer, REFUSAL_TIME};
use super::error::AcceptError;
use super::upgrade::{Pending, Upgrade};
use super::{Arrival, Server};
use crate::driver::stream::{Io, Stream};
use crate::websocket::WebSocket;
use std::io;
use std::time::Duration;
use tidewire_proto::handshake::http1::RequestReader;
use tidewire_proto::handshake::server::{self, Refusal};
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, timeout};

/// What came of a connection.
#[derive(Debug)]
pub enum Accepted<S> {
    /// A WebSocket.
    WebSocket(WebSocket),
    /// A request for something else, not answered yet.
    Http(Box<PlainRequest<S>>),
}

/// A request that does not ask for a WebSocket.
#[derive(Debug)]
pub struct PlainRequest<S> {
    /// Its head.
    pub request: http::Request<()>,
    /// Every byte read so far, the head included: what an HTTP server must see first.
    pub read: Vec<u8>,
    /// The stream.
    pub io: S,
}

/// A request that has been read, not judged.
pub(super) struct Read<S> {
    server: Server,
    arrival: Arrival,
    io: S,
    reader: RequestReader,
    request: http::Request<()>,
    /// What came behind the head: a client may send frames before it has seen the response.
    leftover: Vec<u8>,
    /// What is left of the client's time.
    left: Duration,
}

/// Reads a request. A client that sends none in time, or something else, has been told so.
pub(super) async fn read<S: Io>(
    server: Server,
    mut io: S,
    arrival: Arrival,
) -> Result<Read<S>, AcceptError> {
    let start = Instant::now();
    let time = server.handshake_timeout;
    let mut reader = RequestReader::new(server.limits);
    let mut heard = false;
    let reading = timeout(time, head(&mut io, &mut reader, &mut heard));
    let (error, answer) = match arrival.unless_stopping(reading).await {
        Some(Ok(Ok((request, leftover)))) => {
            return Ok(Read {
                left: time.saturating_sub(start.elapsed()),
                server,
                arrival,
                io,
                reader,
                request,
                leftover,
            });
        }
        Some(Ok(Err(AcceptError::Refused(refusal)))) => {
            let answer = Answer::refusal(&refusal);
            (AcceptError::Refused(refusal), answer)
        }
        Some(Ok(Err(error))) => return Err(error),
        Some(Err(_)) => (AcceptError::Timeout, Answer::refusal(&Refusal::timeout())),
        // Who has not asked for anything is not answered.
        None if !heard => return Err(AcceptError::Stopping),
        None => (AcceptError::Stopping, Answer::stopping()),
    };
    // It is told, as long as it listens for a moment.
    let _ = answer.end(Stream::new(io), REFUSAL_TIME).await;
    Err(error)
}

async fn head<S: Io>(
    io: &mut S,
    reader: &mut RequestReader,
    heard: &mut bool,
) -> Result<(http::Request<()>, Vec<u8>), AcceptError> {
    let refused = |error| AcceptError::Refused(Box::new(Refusal::from(error)));
    let mut chunk = vec![0; 2048];
    loop {
        let count = io.read(&mut chunk).await?;
        if count == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        *heard = true;
        let mut input = chunk.get(..count).unwrap_or_default();
        if let Some(request) = reader.receive(&mut input).map_err(refused)? {
            return Ok((request, input.to_vec()));
        }
    }
}

impl<S: Io> Read<S> {
    /// Whether it asks for a WebSocket at all.
    pub(super) fn is_upgrade(&self) -> bool {
        server::is_upgrade(&self.request)
    }

    /// For a server of plain HTTP.
    pub(super) fn into_plain(self) -> PlainRequest<S> {
        let mut read = self.reader.into_raw();
        read.extend_from_slice(&self.leftover);
        PlainRequest {
            request: self.request,
            read,
            io: self.io,
        }
    }

    /// Hands it on if it breaks no rule; otherwise the client is told which.
    pub(super) async fn judge(self) -> Result<Upgrade, AcceptError> {
        let stream = Stream::new(self.io);
        match self.server.judge(&self.request) {
            Ok(accepted) => Ok(Upgrade::new(
                stream,
                Pending {
                    server: self.server,
                    arrival: self.arrival,
                    request: self.request,
                    accepted,
                    leftover: self.leftover,
                    left: self.left,
                },
            )),
            Err(refusal) => {
                let _ = Answer::refusal(&refusal).end(stream, REFUSAL_TIME).await;
                Err(AcceptError::Refused(refusal))
            }
        }
    }
}

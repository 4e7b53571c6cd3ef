//! The server's handshake over a byte stream: request in, response out, and what came behind it.

use super::Server;
use crate::driver::stream::{Io, Stream};
use crate::error::AcceptError;
use crate::websocket::WebSocket;
use std::io;
use std::time::Duration;
use tidewire_proto::handshake::http1::{self, RequestReader};
use tidewire_proto::handshake::server::{self, Refusal};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// How long a refused client may take to read why.
const REFUSAL_TIME: Duration = Duration::from_secs(1);

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

pub(super) struct Exchange<S> {
    server: Server,
    io: S,
    reader: RequestReader,
    leftover: Vec<u8>,
}

pub(super) enum Outcome {
    Upgraded {
        accepted: server::Accepted,
        target: http::Uri,
    },
    Plain(http::Request<()>),
}

impl<S: Io> Exchange<S> {
    pub(super) fn new(server: Server, io: S) -> Self {
        let reader = RequestReader::new(server.limits);
        Self {
            server,
            io,
            reader,
            leftover: Vec::new(),
        }
    }

    /// Reads the request and, if it is accepted, answers it.
    pub(super) async fn run(&mut self, http: bool) -> Result<Outcome, AcceptError> {
        let request = self.read_request().await?;
        if http && !server::is_upgrade(&request) {
            return Ok(Outcome::Plain(request));
        }
        let accepted = self.server.judge(&request).map_err(AcceptError::Refused)?;
        let mut response = Vec::new();
        http1::write_response(&accepted.response, b"", &mut response);
        self.io.write_all(&response).await?;
        self.io.flush().await?;
        Ok(Outcome::Upgraded {
            accepted,
            target: request.into_parts().0.uri,
        })
    }

    async fn read_request(&mut self) -> Result<http::Request<()>, AcceptError> {
        let refused = |error| AcceptError::Refused(Box::new(Refusal::from(error)));
        let mut chunk = vec![0; 2048];
        loop {
            let count = self.io.read(&mut chunk).await?;
            if count == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            let mut input = &chunk[..count];
            if let Some(request) = self.reader.receive(&mut input).map_err(refused)? {
                // A client may send frames before it has seen the response: they are kept.
                self.leftover = input.to_vec();
                return Ok(request);
            }
        }
    }

    pub(super) fn finish(self, outcome: Outcome) -> Accepted<S> {
        let Self {
            server,
            io,
            reader,
            leftover,
        } = self;
        match outcome {
            Outcome::Plain(request) => {
                let mut read = reader.into_raw();
                read.extend_from_slice(&leftover);
                Accepted::Http(Box::new(PlainRequest { request, read, io }))
            }
            Outcome::Upgraded { accepted, target } => {
                let stream = Stream::new(io);
                Accepted::WebSocket(server.open(stream, accepted, target, leftover))
            }
        }
    }

    /// Tells the client why not, as long as it listens for a moment.
    pub(super) async fn refuse(&mut self, refusal: Box<Refusal>) -> AcceptError {
        let (response, body) = refusal.response();
        let mut bytes = Vec::new();
        http1::write_response(&response, body.as_bytes(), &mut bytes);
        let _ = timeout(REFUSAL_TIME, async {
            self.io.write_all(&bytes).await?;
            self.io.flush().await?;
            self.io.shutdown().await?;
            // What the client still sends must not be answered with a reset before it has read.
            let mut sink = [0; 1024];
            let mut most = 64;
            while most > 0 && self.io.read(&mut sink).await? > 0 {
                most -= 1;
            }
            io::Result::Ok(())
        })
        .await;
        AcceptError::Refused(refusal)
    }
}

//! The client's handshake over a byte stream: request out, response in, and what came behind it.

use super::{Client, url};
use crate::driver::core::Meta;
use crate::driver::shared::{Opened, Shared};
use crate::driver::stream::{Io, Stream};
use crate::error::ConnectError;
use crate::websocket::WebSocket;
use http::header::CONTENT_LENGTH;
use http::{Response, StatusCode};
use std::io;
use std::time::Duration;
use tidewire_proto::handshake::http1::{HeadLimits, ResponseReader};
use tidewire_proto::handshake::{Key, client};
use tidewire_proto::{Compression, Role};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// How much of the body of a refusal is kept, and how long it is waited for.
const BODY_LIMIT: usize = 64 * 1024;
const BODY_TIME: Duration = Duration::from_secs(1);

pub(super) async fn exchange<S: Io>(client: Client, mut io: S) -> Result<WebSocket, ConnectError> {
    let request = compose(&client)?;
    let mut bytes = Vec::new();
    request.write(&mut bytes);
    io.write_all(&bytes).await?;
    io.flush().await?;

    let mut reader = ResponseReader::new(HeadLimits::default());
    let mut chunk = vec![0; 4096];
    let (response, rest) = loop {
        let count = io.read(&mut chunk).await?;
        if count == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the server ended the connection during the handshake",
            )
            .into());
        }
        let mut input = &chunk[..count];
        if let Some(response) = reader
            .receive(&mut input)
            .map_err(ConnectError::Handshake)?
        {
            break (response, input.to_vec());
        }
    };
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let body = refusal_body(&mut io, &response, rest).await;
        return Err(ConnectError::Refused(Box::new(response.map(|()| body))));
    }
    let agreed = client::judge(&request, &response).map_err(ConnectError::Handshake)?;
    let compression = match (agreed.deflate, &client.deflate) {
        (Some(params), Some(config)) => Some(Compression::new(params, config)),
        _ => None,
    };
    let meta = agreed.subprotocol.map(|name| {
        Box::new(Meta {
            subprotocol: Some(name),
            target: None,
        })
    });
    let opened = Opened {
        role: Role::Client,
        settings: client.settings,
        compression,
        leftover: rest, // frames that came with the response
        meta,
    };
    Ok(WebSocket::new(Shared::new(Stream::new(io), opened)))
}

fn compose(client: &Client) -> Result<client::Request, ConnectError> {
    let target = url::parse(&client.url)?;
    let mut key = [0; 16];
    getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
    let host = client::host_header(&target.host, target.port, url::DEFAULT_PORT);
    let mut request = client::Request::new(&host, &target.path, Key::new(key))?;
    if let Some(origin) = &client.origin {
        request = request.origin(origin)?;
    }
    for name in &client.subprotocols {
        request = request.subprotocol(name)?;
    }
    for (name, value) in client.parsed_headers()? {
        request = request.header(name, value)?;
    }
    Ok(request.deflate(client.deflate.clone()))
}

/// What the server says to its refusal; as much as comes within a second.
async fn refusal_body<S: Io>(io: &mut S, response: &Response<()>, mut body: Vec<u8>) -> Vec<u8> {
    let length = response.headers().get(CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse().ok());
    let wanted = length.unwrap_or(BODY_LIMIT).min(BODY_LIMIT);
    let _ = timeout(BODY_TIME, async {
        while body.len() < wanted {
            if !matches!(io.read_buf(&mut body).await, Ok(1..)) {
                break;
            }
        }
    })
    .await;
    body.truncate(wanted);
    body
}

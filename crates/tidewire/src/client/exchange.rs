//! The client's handshake over a byte stream: request out, answer in, and what came behind it.

use super::answer::{self, NoHead};
use super::error::ConnectError;
use super::redirect;
use crate::DeflateConfig;
use crate::driver::core::{Meta, Settings};
use crate::driver::shared::Opened;
use crate::driver::stream::Io;
use http::{HeaderValue, Response, StatusCode};
use tidewire_proto::handshake::client;
use tidewire_proto::{Compression, Role};
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

/// What a server says to a request.
pub(super) enum Answer {
    /// With the head of the answer, and the bytes behind it.
    Agreed(client::Agreed, Response<()>, Vec<u8>),
    /// Ask there instead.
    Moved(HeaderValue),
    Refused(Response<Vec<u8>>),
}

/// Asks for a WebSocket. Redirects are told apart from refusals if they are `followed`.
pub(super) async fn ask(
    io: &mut dyn Io,
    request: &client::Request,
    followed: bool,
    deadline: Instant,
) -> Result<Answer, ConnectError> {
    let mut bytes = Vec::new();
    request.write(&mut bytes);
    io.write_all(&bytes).await?;
    io.flush().await?;
    let (response, rest) = answer::head(io).await.map_err(|error| match error {
        NoHead::Io(error) => ConnectError::Io(error),
        NoHead::Broken(error) => ConnectError::Handshake(error),
    })?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let agreed = client::judge(request, &response).map_err(ConnectError::Handshake)?;
        return Ok(Answer::Agreed(agreed, response, rest));
    }
    match redirect::location(&response) {
        Some(location) if followed => Ok(Answer::Moved(location.clone())),
        _ => {
            let answer = answer::with_body(io, response, rest, deadline).await;
            Ok(Answer::Refused(answer))
        }
    }
}

/// What the connection begins with; `leftover` are frames that came with the answer.
pub(super) fn opened(
    agreed: client::Agreed,
    offered: Option<&DeflateConfig>,
    settings: Settings,
    leftover: Vec<u8>,
) -> Opened {
    let compression = match (agreed.deflate, offered) {
        (Some(params), Some(config)) => Some(Compression::new(params, config)),
        _ => None,
    };
    let meta = agreed.subprotocol.map(|name| {
        Box::new(Meta {
            subprotocol: Some(name),
            target: None,
        })
    });
    Opened {
        role: Role::Client,
        settings,
        compression,
        leftover,
        meta,
    }
}

//! HTTP CONNECT (RFC 9110 §9.3.6): asks a proxy for a tunnel to the target.

use super::ConnectError;
use super::error::ProxyReason;
use super::server::{Login, Server};
use super::url::Host;
use crate::client::answer::{self, NoHead};
use crate::driver::stream::Io;
use http::StatusCode;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

/// The tunnel over `io`, and what came through it with the proxy's answer.
pub(super) async fn open<S: Io>(
    server: &Server,
    mut io: S,
    host: &Host,
    port: u16,
    deadline: Instant,
) -> Result<(S, Vec<u8>), ConnectError> {
    match ask(server, &mut io, host, port, deadline).await {
        Ok(rest) => Ok((io, rest)),
        Err(reason) => Err(server.failed(reason)),
    }
}

async fn ask(
    server: &Server,
    io: &mut dyn Io,
    host: &Host,
    port: u16,
    deadline: Instant,
) -> Result<Vec<u8>, ProxyReason> {
    let request = request(server, host, port);
    io.write_all(&request).await.map_err(ProxyReason::Io)?;
    io.flush().await.map_err(ProxyReason::Io)?;
    let (head, rest) = answer::head(io).await.map_err(|error| match error {
        NoHead::Io(error) => ProxyReason::Io(error),
        NoHead::Broken(error) => ProxyReason::NotHttp(error),
    })?;
    // "Any 2xx (Successful) response indicates that the sender (and all inbound proxies) will switch
    // to tunnel mode"; "a client MUST ignore any Content-Length or Transfer-Encoding" in it.
    if head.status().is_success() {
        return Ok(rest);
    }
    let answer = Box::new(answer::with_body(io, head, rest, deadline).await);
    Err(match (answer.status(), &server.login) {
        (StatusCode::PROXY_AUTHENTICATION_REQUIRED, None) => ProxyReason::LoginWanted(Some(answer)),
        (StatusCode::PROXY_AUTHENTICATION_REQUIRED | StatusCode::UNAUTHORIZED, Some(_)) => {
            ProxyReason::LoginRejected(Some(answer))
        }
        _ => ProxyReason::Refused(answer),
    })
}

/// "The request target consists of only the host name and port number of the tunnel destination."
fn request(server: &Server, host: &Host, port: u16) -> Vec<u8> {
    let request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    let mut request = request.into_bytes();
    if let Some(Login::Basic(value)) = &server.login {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(value.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    request
}

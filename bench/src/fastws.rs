//! fastwebsockets as its users run it: hyper's upgrade, then a `FragmentCollector` that answers each message.

use fastwebsockets::{FragmentCollector, OpCode, WebSocketError, upgrade};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Serves HTTP on one connection, which becomes a WebSocket when asked.
pub(crate) async fn echo(stream: TcpStream) {
    let http = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service_fn(accept))
        .with_upgrades();
    // An error is a client that went away or does not speak HTTP.
    let _ended = http.await;
}

async fn accept(mut request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, WebSocketError> {
    let (response, upgraded) = upgrade::upgrade(&mut request)?;
    // `unconstrained`: without tokio's budget, which is how the library's own benchmark runs.
    tokio::spawn(tokio::task::unconstrained(async move {
        let _ended = messages(upgraded).await;
    }));
    Ok(response)
}

async fn messages(upgraded: upgrade::UpgradeFut) -> Result<(), WebSocketError> {
    let mut socket = FragmentCollector::new(upgraded.await?);
    loop {
        let frame = socket.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => socket.write_frame(frame).await?,
            _ => {}
        }
    }
}

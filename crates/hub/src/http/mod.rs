//! HTTP on a shard: one connection at a time, judged before it is answered.

mod agent;
mod cors;
mod metrics;
pub(crate) mod routes;
mod sessions;
mod socket;
mod status;

use crate::door::Admission;
use crate::guard::{Denied, Endpoint};
use crate::node::HubEvent;
use crate::shard::Local;
use crate::web::answers;
use crate::web::caller::{Caller, value};
use crate::web::patience::Cut;
use crate::web::site;
use axum::body::Body;
use futures_util::future::Either;
use http::header::{HOST, ORIGIN, UPGRADE};
use http::{HeaderMap, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::future::ready;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tidewire::tls::TlsError;
use tokio::net::TcpStream;
use tokio::task::spawn_local;
use tokio::time::timeout;

/// How long a TLS handshake may take.
const TLS_PATIENCE: Duration = Duration::from_secs(10);
/// How long a client may take for the head of a request, and be silent before the next.
const HEAD_PATIENCE: Duration = Duration::from_secs(20);
/// The longest head of a request, in bytes.
const HEAD: usize = 32 * 1024;
/// Headers of a request.
const HEADERS: usize = 64;

/// Begins a task that serves a connection until it ends or becomes a WebSocket. On a shard's thread.
pub(crate) fn serve(local: Rc<Local>, tcp: TcpStream, peer: SocketAddr, admission: Arc<Admission>) {
    spawn_local(greet(local, tcp, peer, admission));
}

async fn greet(local: Rc<Local>, tcp: TcpStream, peer: SocketAddr, admission: Arc<Admission>) {
    let caller = |tls| Caller {
        peer,
        tls,
        admission,
        cut: Cut::default(),
    };
    let Some(tls) = local.node.config.tls.clone() else {
        return talk(local, tcp, caller(false)).await;
    };
    match timeout(TLS_PATIENCE, tls.accept(tcp)).await {
        Ok(Ok(stream)) => talk(local, stream, caller(true)).await,
        // Who leaves before it is a client is nobody.
        Ok(Err(TlsError::Io(_))) | Err(_) => {}
        Ok(Err(_)) => local.node.tally.tls_failed(),
    }
}

async fn talk<S: tidewire::Io>(local: Rc<Local>, io: S, caller: Caller) {
    let mut leaving = local.leaving.clone();
    let cut = caller.cut.clone();
    let router = TowerToHyperService::new(local.router.clone());
    let service = service_fn(move |mut request: Request<Incoming>| {
        let judged = judge(&local, &request, &caller);
        // Only an Origin that was judged is told that its pages may read the answer.
        let origin = request.headers().get(ORIGIN);
        let origin = origin
            .filter(|_| endpoint(&request) == Endpoint::Hub)
            .cloned();
        let answer = judged.map(|()| match cors::preflight(&request) {
            Some(answer) => Either::Left(ready(Ok(answer))),
            None => {
                request.extensions_mut().insert(caller.clone());
                Either::Right(router.call(request))
            }
        });
        async move {
            match answer {
                Ok(answer) => Ok(cors::allow(answer.await?, origin)),
                Err(denied) => Ok::<_, Infallible>(*denied),
            }
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(HEAD)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(io), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    // How a connection ends is its client's affair.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = cut.asked() => {}
        _ = leaving.wait_for(Option::is_some) => {
            connection.as_mut().graceful_shutdown();
            _ = connection.await;
        }
    }
}

/// Whether the request may be looked at, by its Host and Origin.
fn judge<B>(
    local: &Local,
    request: &Request<B>,
    caller: &Caller,
) -> Result<(), Box<Response<Body>>> {
    let headers = request.headers();
    let host = value(headers, &HOST);
    let origin = value(headers, &ORIGIN);
    let guard = &local.node.config.guard;
    let endpoint = endpoint(request);
    let judged = guard.judge(endpoint, host.as_deref(), origin.as_deref(), caller.tls);
    judged.map_err(|denied| Box::new(deny(local, caller, denied)))?;
    if origin.is_none() && is_smuggled(request) {
        let words = "A page of another site asks for this without saying which: use fetch or EventSource, with CORS.";
        return Err(Box::new(answers::sentence(StatusCode::FORBIDDEN, words)));
    }
    Ok(())
}

fn endpoint<B>(request: &Request<B>) -> Endpoint {
    match request.uri().path() {
        "/echo" => Endpoint::Echo,
        "/" if wants_upgrade(request.headers()) => Endpoint::Echo,
        "/healthz" => Endpoint::Health,
        path if site::is_for_all(path) => Endpoint::Script,
        _ => Endpoint::Hub,
    }
}

/// Whether a page of another site has its visitor's browser follow channels, as an image or a frame:
/// for that no Origin is sent. It could read nothing, but the visitor would be seen there.
fn is_smuggled<B>(request: &Request<B>) -> bool {
    let site = request.headers().get("sec-fetch-site");
    matches!(request.uri().path(), "/poll" | "/sse" | "/uplink")
        && site.is_some_and(|site| site != "same-origin" && site != "none")
}

fn deny(local: &Local, caller: &Caller, denied: Denied) -> Response<Body> {
    let answer = answers::sentence(StatusCode::FORBIDDEN, denied.to_string());
    local.node.tally.denied(&denied);
    let peer = caller.peer;
    local.node.tell(HubEvent::Denied { peer, denied });
    answer
}

/// Whether the client wants another protocol than HTTP.
fn wants_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(UPGRADE)
}

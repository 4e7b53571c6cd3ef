//! Upgrades behind tower's layers: they see the request and the response, and may replace it.

#![cfg(feature = "hyper")]
#![allow(clippy::unwrap_used)]

use ::hyper::body::Incoming;
use ::hyper::server::conn::http1;
use ::hyper::{Request, Response, header};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tidewire::hyper::{HandoverError, Upgrade};
use tidewire::{ConnectError, Server, WebSocket};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tower::{BoxError, Layer, Service, ServiceBuilder, service_fn};

/// A layer that counts the requests that pass it.
#[derive(Clone, Default)]
struct Count(Arc<AtomicUsize>);

#[derive(Clone)]
struct Counting<S> {
    inner: S,
    count: Count,
}

impl<S> Layer<S> for Count {
    type Service = Counting<S>;

    fn layer(&self, inner: S) -> Counting<S> {
        let count = self.clone();
        Counting { inner, count }
    }
}

impl<S: Service<R>, R> Service<R> for Counting<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.count.0.fetch_add(1, Ordering::Relaxed);
        self.inner.call(request)
    }
}

/// Serves the connections of a port, whatever the layers around the service.
async fn listen<S>(service: S) -> SocketAddr
where
    S: Service<Request<Incoming>, Response = Response<String>, Error = BoxError>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            let service = TowerToHyperService::new(service.clone());
            let connection = http1::Builder::new().serve_connection(TokioIo::new(tcp), service);
            tokio::spawn(connection.with_upgrades());
        }
    });
    addr
}

async fn echo(mut request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    let echo = |mut ws: WebSocket| async move {
        let _ = ws.for_each(|event, link| drop(link.echo(event))).await;
    };
    Ok(tidewire::hyper::serve(&mut request, &Server::new(), echo))
}

#[tokio::test]
async fn an_upgrade_passes_through_layers() {
    let count = Count::default();
    let service = ServiceBuilder::new()
        .layer(count.clone())
        .map_response(|mut response: Response<String>| {
            let value = header::HeaderValue::from_static("yes");
            response.headers_mut().insert("x-layered", value);
            response
        })
        .timeout(Duration::from_secs(60))
        .service(service_fn(echo));
    let addr = listen(service).await;

    let mut ws = tidewire::connect(format!("ws://{addr}/")).await.unwrap();
    ws.send("through").await.unwrap();
    assert_eq!(ws.recv().await.unwrap().unwrap().as_text(), Some("through"));
    ws.close(1000, "").await.unwrap();

    let client = tidewire::Client::new(format!("ws://{addr}/")).origin("http://elsewhere");
    let Err(ConnectError::Refused(response)) = client.connect().await else {
        panic!("refused");
    };
    assert_eq!(response.status(), 403);
    assert_eq!(response.headers()["x-layered"], "yes");
    assert_eq!(count.0.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_gives_up_waiting_ends_the_upgrade() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let late = move |mut request: Request<Incoming>| {
        let (response, upgrading) = Upgrade::new(&mut request, &Server::new()).unwrap().accept();
        let tell = tell.clone();
        tokio::spawn(async move { tell.send(upgrading.await.map(drop)) });
        async move {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Ok::<_, Infallible>(response)
        }
    };
    let service = ServiceBuilder::new().timeout(Duration::from_secs(1));
    let addr = listen(service.service(service_fn(late))).await;
    let error = tidewire::connect(format!("ws://{addr}/"))
        .await
        .unwrap_err();
    assert!(matches!(error, ConnectError::Io(_)), "{error:?}");
    let outcome = told.recv().await.unwrap();
    assert!(
        matches!(outcome, Err(HandoverError::Left(_))),
        "{outcome:?}"
    );
}

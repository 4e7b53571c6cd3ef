//! Clients that cost little: they look at what comes in place, and count.

use crate::Outcome;
use std::cell::Cell;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tidewire::{Client, Config, Event, Received, WebSocket};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Connections that are being opened at a time.
const OPENING: usize = 256;

/// How long anything may take before the run counts as failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// Bytes of a publication's text.
pub(crate) const PAYLOAD: usize = 128;

thread_local! {
    /// Publications that have arrived, at anyone.
    static ARRIVED: Cell<u64> = const { Cell::new(0) };
    /// Subscribers whose connection ended although nobody asked for it.
    static CUT: Cell<u64> = const { Cell::new(0) };
}

/// Publications that have arrived so far, at all subscribers together.
pub(crate) fn arrived() -> u64 {
    ARRIVED.get()
}

/// Subscribers that the hub has cut off.
pub(crate) fn cut() -> u64 {
    CUT.get()
}

/// Opens a session; its `hello` is not read yet.
pub(crate) async fn open(hub: SocketAddr) -> Outcome<WebSocket> {
    let config = Config::default().ping_interval(None);
    let client = Client::new(format!("ws://{hub}/ws"))
        .deflate(None)
        .config(Arc::new(config));
    let tcp = timeout(PATIENCE, TcpStream::connect(hub)).await??;
    tcp.set_nodelay(true)?;
    Ok(timeout(PATIENCE, client.handshake(tcp)).await??)
}

/// Reads until an object begins with `wanted`.
pub(crate) async fn until(ws: &mut WebSocket, wanted: &str) -> Outcome<String> {
    let read = async {
        loop {
            let message = ws.recv().await?.ok_or("the hub has closed a session")?;
            let text = message.as_text().unwrap_or_default();
            if text.starts_with(wanted) {
                return Ok(text.to_owned());
            }
            if text.starts_with("{\"op\":\"error\"") {
                return Err(text.to_owned().into());
            }
        }
    };
    timeout(PATIENCE, read)
        .await
        .map_err(|_| format!("nothing began with {wanted}"))?
}

/// A session with one subscription, answered.
pub(crate) async fn subscriber(hub: SocketAddr, channel: &str) -> Outcome<WebSocket> {
    let mut ws = open(hub).await?;
    let subscribe = format!(r#"{{"op":"subscribe","id":1,"channel":"{channel}"}}"#);
    ws.send(subscribe).await?;
    until(&mut ws, r#"{"op":"ok","id":1"#).await?;
    Ok(ws)
}

/// So many sessions with one subscription.
pub(crate) async fn subscribers(
    hub: SocketAddr,
    channel: &'static str,
    count: usize,
) -> Outcome<Vec<WebSocket>> {
    let mut open = Vec::with_capacity(count);
    let mut opening = JoinSet::new();
    let mut begun = 0;
    while open.len() < count {
        while begun < count && opening.len() < OPENING {
            begun += 1;
            opening.spawn(async move {
                let subscriber = subscriber(hub, channel).await;
                subscriber.map_err(|error| error.to_string())
            });
        }
        let opened = opening.join_next().await.ok_or("no task is left")??;
        open.push(opened.map_err(|error| format!("subscriber {}: {error}", open.len()))?);
    }
    Ok(open)
}

/// Hands every publication to `see`, in place, for as long as the connection lasts.
pub(crate) fn poll(
    ws: &mut WebSocket,
    cx: &mut Context<'_>,
    see: &mut impl FnMut(&str),
) -> Poll<()> {
    let mut count = 0;
    let received = ws.poll_receive(cx, |event, _| {
        if let Event::Text(text) = event
            && text.starts_with(r#"{"op":"message""#)
        {
            count += 1;
            see(&text);
        }
        ControlFlow::Continue(())
    });
    ARRIVED.set(ARRIVED.get() + count);
    match received {
        Poll::Pending => Poll::Pending,
        Poll::Ready(Ok(Received::Paused)) => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        Poll::Ready(_) => Poll::Ready(()),
    }
}

/// Listens in a task of its own.
pub(crate) fn listen(mut ws: WebSocket, mut see: impl FnMut(&str) + Send + 'static) {
    tokio::spawn(async move {
        poll_fn(|cx| poll(&mut ws, cx, &mut see)).await;
        CUT.set(CUT.get() + 1);
    });
}

/// A publish command: 20 digits of time, 20 of a number, and fill.
pub(crate) fn publish(channel: &str, stamp: u64, number: u64) -> String {
    let fill = "x".repeat(PAYLOAD - 40);
    format!(
        r#"{{"op":"publish","id":1,"channel":"{channel}","text":"{stamp:020}{number:020}{fill}"}}"#
    )
}

/// Time and number of a publication that has arrived.
pub(crate) fn stamp(text: &str) -> Option<(u64, u64)> {
    let begin = text.len().checked_sub(PAYLOAD + 2)?;
    let number = |at: usize| text.get(at..at + 20)?.parse().ok();
    Some((number(begin)?, number(begin + 20)?))
}

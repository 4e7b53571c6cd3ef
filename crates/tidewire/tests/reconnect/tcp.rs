//! A server over TCP that is stopped, and started again on the same port.

use std::net::SocketAddr;
use std::time::Duration;
use tidewire::reconnect::{Backoff, ReconnectEvent};
use tidewire::{Client, Listener};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// A server that says its generation to those who subscribe; ends when it is told to.
async fn start(
    addr: SocketAddr,
    generation: u32,
) -> (SocketAddr, watch::Sender<()>, JoinHandle<()>) {
    let listener = Listener::bind(addr).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(());
    let mut stopping = stopped.clone();
    let handler = move |mut ws: tidewire::WebSocket| {
        let mut stopped = stopped.clone();
        async move {
            let Ok(Some(subscription)) = ws.recv().await else {
                return;
            };
            let text = subscription.as_text().unwrap_or_default();
            let _ = ws.send(format!("{text}, generation {generation}")).await;
            let _ = stopped.changed().await;
            let _ = ws.close(1001, "stopping").await;
        }
    };
    let serving = tokio::spawn(async move {
        tokio::select! {
            result = listener.serve(handler) => result.unwrap(),
            _ = stopping.changed() => {}
        }
    });
    (addr, stop, serving)
}

#[tokio::test]
async fn a_server_that_restarts_on_its_port_is_found_again() {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let (addr, mut stop, mut serving) = start(any, 1).await;
    let short = Backoff::new()
        .first(Duration::from_millis(20))
        .most(Duration::from_millis(100));
    let mut feed = Client::new(format!("ws://{addr}/"))
        .reconnecting()
        .backoff(short)
        .resume(|ws, attempt| async move {
            ws.send(format!("after {} connections", attempt.opened))
                .await?;
            Ok(ws)
        });
    for generation in 1..=3 {
        let message = timeout(Duration::from_secs(30), feed.recv()).await.unwrap();
        let before = generation - 1;
        assert_eq!(
            message.unwrap().unwrap().as_text(),
            Some(format!("after {before} connections, generation {generation}").as_str())
        );
        stop.send(()).unwrap();
        serving.await.unwrap();
        // Nobody listens for a while: attempts fail.
        let mut refused = 0;
        while refused < 2 {
            let event = timeout(Duration::from_secs(30), feed.next_event());
            if let Some(ReconnectEvent::Lost { end, .. }) = event.await.unwrap().unwrap() {
                refused += usize::from(end.close_code().is_none());
            }
        }
        (_, stop, serving) = start(addr, generation + 1).await;
    }
}

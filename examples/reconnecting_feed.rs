//! How do I follow a feed without a gap, over lost connections and restarts of the server? The client
//! remembers the position it has reached and says so on each connection; the server goes on from there.
//!
//! `cargo run -p tidewire-examples --example reconnecting_feed -- serve 127.0.0.1:4000`, and then
//! `… --example reconnecting_feed -- follow ws://127.0.0.1:4000/`; stop the server and start it again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tidewire::reconnect::ReconnectEvent;
use tidewire::{Client, Config, Error, Listener, Server, WebSocket};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["serve", address] => serve(address).await,
        ["follow", url] => follow(url).await,
        _ => Err("say `serve ADDRESS` or `follow URL`".into()),
    }
}

async fn follow(url: &str) -> Result<()> {
    // The last event that was dealt with; 0: none. It outlives connections, and would be kept on a
    // disk if it had to outlive this program.
    let position = Arc::new(AtomicU64::new(0));
    let reached = position.clone();
    let mut feed = Client::new(url).reconnecting().resume(move |ws, _| {
        let after = reached.load(Ordering::Relaxed);
        async move {
            ws.send(format!("after {after}")).await?;
            Ok(ws)
        }
    });
    // An error is one that another attempt would not mend, such as a URL that the server refuses.
    while let Some(event) = feed.next_event().await? {
        match event {
            ReconnectEvent::Message(message) => {
                let event: u64 = message.as_text().ok_or("not a feed")?.parse()?;
                let last = position.load(Ordering::Relaxed);
                if last != 0 && event > last + 1 {
                    println!("the server has forgotten {} to {}", last + 1, event - 1);
                }
                if event > last {
                    println!("event {event}");
                    position.store(event, Ordering::Relaxed); // not before it was dealt with
                }
            }
            ReconnectEvent::Lost { end, retry_in, .. } => {
                println!("lost: {end}; again in {retry_in:?}")
            }
            _ => {}
        }
    }
    println!("the feed has ended");
    Ok(())
}

/// How often something happens here, and how many events back a client may ask for.
const INTERVAL: Duration = Duration::from_millis(100);
const KEPT: u64 = 10_000;

/// The number of the newest event. A real feed reads its events from a log; this one only counts the
/// ticks of the clock, and so has a log that outlives it.
fn newest() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    let ticks = time.unwrap_or_default().as_millis() / INTERVAL.as_millis();
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

async fn serve(address: &str) -> Result<()> {
    // Clients say no more than a position.
    let server = Server::new().config(Config::new().max_message(64));
    let listener = Listener::bind(address).await?.server(server);
    println!("listening on ws://{}", listener.local_addr()?);
    let handler = async |ws: WebSocket| {
        if let Err(error) = publish(ws).await {
            eprintln!("a client was lost: {error}");
        }
    };
    Ok(listener.serve(handler).await?)
}

async fn publish(mut ws: WebSocket) -> std::result::Result<(), Error> {
    let Some(wish) = ws.recv().await? else {
        return Ok(());
    };
    let wish = wish.as_text().and_then(|wish| wish.strip_prefix("after "));
    let Some(Ok(after)) = wish.map(str::parse::<u64>) else {
        ws.close(1008, "say where to begin: after 123").await?;
        return Ok(());
    };
    let now = newest();
    // Who has nothing begins now; who asks for more than there is gets what there is.
    let mut sent = match after {
        0 => now,
        after => after.clamp(now.saturating_sub(KEPT), now),
    };
    let mut ticks = tokio::time::interval(INTERVAL);
    loop {
        tokio::select! {
            received = ws.recv() => {
                if received?.is_none() {
                    return Ok(()); // the client has closed
                }
            }
            _ = ticks.tick() => {
                while sent < newest() {
                    sent += 1;
                    // Waits for a client that reads slowly; what it has missed is in the log, not in memory.
                    ws.feed(sent.to_string()).await?;
                }
                ws.flush().await?;
            }
        }
    }
}

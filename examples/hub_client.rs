//! How do I follow a channel of the hub without a gap? The client remembers the position of the last
//! message it has dealt with, and subscribes with it on each connection; the hub goes on from there.
//!
//! Start a hub with `cargo run --release -- serve`, then
//! `cargo run -p tidewire-examples --example hub_client -- ws://127.0.0.1:4000/ws lobby`; write something on
//! <http://127.0.0.1:4000/chat/lobby>, stop the hub, start it again.

use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex};
use tidewire::Client;
use tidewire::reconnect::{End, ReconnectEvent, Verdict};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Serialize)]
struct Subscribe {
    op: &'static str,
    id: u32,
    channel: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
}

/// What of the hub's objects matters here: docs/reference/protocol.md has all of them.
#[derive(Deserialize)]
struct Said {
    op: String,
    pos: Option<String>,
    recovered: Option<bool>,
    recovering: Option<bool>,
    message: Option<String>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [url, channel] => follow(url, channel).await,
        _ => Err("say `URL CHANNEL`".into()),
    }
}

async fn follow(url: &str, channel: &str) -> Result<()> {
    // Kept on a disk, it would outlive this program, too.
    let position: Arc<Mutex<Option<String>>> = Arc::default();
    let reached = position.clone();
    let channel = channel.to_owned();
    let mut hub = Client::new(url)
        .reconnecting()
        .resume(move |ws, _| {
            let subscribe = Subscribe {
                op: "subscribe",
                id: 1,
                channel: channel.clone(),
                since: reached.lock().ok().and_then(|position| position.clone()),
            };
            async move {
                ws.send_json(&subscribe).await?;
                Ok(ws)
            }
        })
        .classify(worth_another_try);
    while let Some(event) = hub.next_event().await? {
        match event {
            ReconnectEvent::Message(message) => {
                let said: Said = message.parse_json()?;
                match said.op.as_str() {
                    "message" => println!("{}", message.as_text().unwrap_or_default()),
                    "error" => return Err(said.message.unwrap_or_default().into()),
                    // Too old, or of another life of the channel: `history` has what is left.
                    "ok" if said.recovered == Some(false) => println!("there is a gap"),
                    "lag" if said.recovering == Some(false) => println!("there is a gap"),
                    "ok" => println!("following"),
                    _ => {} // later versions say more
                }
                // Not before it was dealt with. While it recovers, `ok` and `lag` are ahead of it.
                let counts = match said.op.as_str() {
                    "message" | "live" => true,
                    "ok" => said.recovered != Some(true),
                    "lag" => said.recovering == Some(false),
                    _ => false,
                };
                if let (true, Some(pos), Ok(mut position)) = (counts, said.pos, position.lock()) {
                    *position = Some(pos);
                }
            }
            ReconnectEvent::Lost { end, retry_in, .. } => {
                println!("lost: {end}; again in {retry_in:?}");
            }
            _ => {}
        }
    }
    Ok(())
}

/// The hub's own codes say by their number whether to come back.
fn worth_another_try(end: &End) -> Verdict {
    match end.close_code().map(|code| code.0) {
        Some(4000..=4499) => Verdict::Retry,
        _ => Verdict::of(end),
    }
}

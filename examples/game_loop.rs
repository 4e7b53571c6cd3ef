//! How do I run a loop that ticks, and hear its players in between? `recv` can be cancelled without
//! losing a message, so it may stand in `select!` beside a timer.
//!
//! `cargo run -p tidewire-examples --example game_loop`; send `left` or `right`.

use std::time::Duration;
use tidewire::{Config, Listener, Message, WebSocket};
use tokio::time::{MissedTickBehavior, interval};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    // Players send words: nobody needs more than 64 bytes, and whoever sends more is closed with 1009.
    let server = tidewire::Server::new().config(Config::new().max_message(64));
    let listener = Listener::bind(tidewire_examples::listen_address())
        .await?
        .server(server);
    println!("listening on ws://{}", listener.local_addr()?);
    listener.serve(play).await
}

async fn play(mut ws: WebSocket) {
    let (mut position, mut speed) = (0i64, 0i64);
    let mut ticks = interval(Duration::from_millis(50));
    // After a pause of the machine the game goes on; it does not catch up.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            received = ws.recv() => match received {
                Ok(Some(Message::Text(word))) => match &*word {
                    "left" => speed = -1,
                    "right" => speed = 1,
                    _ => speed = 0,
                },
                Ok(Some(Message::Binary(_))) => {}
                Ok(None) | Err(_) => return,
            },
            _ = ticks.tick() => {
                position += speed;
                // A player that does not read misses no tick for ever: `send` waits for room, so
                // what it sees next is where it is then, not a queue of the past.
                if ws.send(format!(r#"{{"position":{position}}}"#)).await.is_err() {
                    return;
                }
            }
        }
    }
}

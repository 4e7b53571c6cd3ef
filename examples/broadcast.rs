//! How do I send one message to many connections? It is encoded, and compressed, once: a
//! `PreparedFrame` is shared by all of them.
//!
//! `cargo run -p tidewire-examples --example broadcast`; every line that a client sends goes to all.

use std::sync::{Arc, Mutex, PoisonError};
use tidewire::{Listener, Message, PreparedFrame, Sender, WebSocket};

/// A member that leaves this many bytes unread is too slow, and is told so.
const MOST_QUEUED: usize = 1024 * 1024;

type Members = Arc<Mutex<Vec<Sender>>>;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = Listener::bind(tidewire_examples::listen_address()).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    let members = Members::default();
    listener.serve(move |ws| member(ws, members.clone())).await
}

async fn member(ws: WebSocket, members: Members) {
    let (sender, mut receiver) = ws.split();
    let lock = || members.lock().unwrap_or_else(PoisonError::into_inner);
    lock().push(sender);
    while let Ok(Some(message)) = receiver.recv().await {
        let frame = match message {
            Message::Text(text) => PreparedFrame::text(text),
            Message::Binary(bytes) => PreparedFrame::binary(bytes),
        };
        publish(&lock(), &frame);
    }
    lock().retain(|sender| !sender.belongs_to(&receiver));
}

/// Neither waits nor fails: who is gone leaves by itself, and who is too slow is sent away.
fn publish(members: &[Sender], frame: &PreparedFrame) {
    for member in members {
        if member.queue(frame).is_ok_and(|queued| queued > MOST_QUEUED) {
            let _ = member.begin_close(1013, "too slow");
        }
        member.try_flush();
    }
}

//! How do I put a chat room on axum? The path names the room and the visitor; every message goes to
//! all in the room.
//!
//! `cargo run -p tidewire-examples --example axum_chat`, and open http://127.0.0.1:4000/ twice.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::{Router, routing::get};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tidewire::axum::WebSocketUpgrade;
use tidewire::{Message, PreparedFrame, Receiver, Sender, WebSocket};

/// Bytes of a message and of a name: more than people type, less than it takes to hurt others.
const LONGEST_LINE: usize = 4096;
const LONGEST_NAME: usize = 64;
/// Visitors of a room: every message is sent this many times.
const MOST_VISITORS: usize = 100;
/// A visitor that leaves this many bytes unread is too slow, and is told so.
const MOST_QUEUED: usize = 1024 * 1024;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let app = Router::new()
        .route("/", get(async || Html(PAGE)))
        .route("/rooms/{room}/{name}", get(enter))
        .with_state(Rooms::default());
    let listener = tokio::net::TcpListener::bind(tidewire_examples::listen_address()).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await
}

/// Pages of other sites are refused with 403 before anything of this room reaches them.
async fn enter(
    ws: WebSocketUpgrade,
    Path((room, name)): Path<(String, String)>,
    State(rooms): State<Rooms>,
) -> Response {
    if room.len() > LONGEST_NAME || name.len() > LONGEST_NAME {
        return (StatusCode::BAD_REQUEST, "that name is too long\n").into_response();
    }
    // A longer line ends the connection with 1009; the page does not let one be typed.
    ws.max_message_size(LONGEST_LINE)
        .on_connect(move |ws| visit(ws, rooms, room, name))
}

async fn visit(ws: WebSocket, rooms: Rooms, room: String, name: String) {
    let (sender, mut receiver) = ws.split();
    if !rooms.join(&room, &sender) {
        // A browser's script cannot read the status of a refused handshake; it can read this.
        let _ = sender.begin_close(1013, "the room is full");
        while let Ok(Some(_)) = receiver.recv().await {} // until the browser has answered
        return;
    }
    rooms.tell(&room, format!("{name} joined"));
    while let Ok(Some(message)) = receiver.recv().await {
        if let Message::Text(line) = message {
            rooms.tell(&room, format!("{name}: {line}"));
        }
    }
    rooms.leave(&room, &receiver);
    rooms.tell(&room, format!("{name} left"));
}

/// Who is where. A room is there as long as somebody is in it.
#[derive(Clone, Default)]
struct Rooms(Arc<Mutex<HashMap<String, Vec<Sender>>>>);

impl Rooms {
    /// Never held across an await.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<Sender>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there was room for one more.
    fn join(&self, room: &str, sender: &Sender) -> bool {
        let mut rooms = self.lock();
        let visitors = rooms.entry(room.to_owned()).or_default();
        let free = visitors.len() < MOST_VISITORS;
        if free {
            visitors.push(sender.clone());
        }
        free
    }

    fn leave(&self, room: &str, receiver: &Receiver) {
        let mut rooms = self.lock();
        if let Some(visitors) = rooms.get_mut(room) {
            visitors.retain(|visitor| !visitor.belongs_to(receiver));
            if visitors.is_empty() {
                rooms.remove(room);
            }
        }
    }

    /// Encodes the line once for all. Neither waits nor fails: who is gone leaves by itself, and who
    /// is too slow is sent away.
    fn tell(&self, room: &str, line: String) {
        let frame = PreparedFrame::text(line);
        for visitor in self.lock().get(room).into_iter().flatten() {
            if visitor
                .queue(&frame)
                .is_ok_and(|queued| queued > MOST_QUEUED)
            {
                let _ = visitor.begin_close(1013, "too slow");
            }
            visitor.try_flush();
        }
    }
}

/// What others wrote becomes text of the page, never a part of it: `textContent`, not `innerHTML`.
const PAGE: &str = r#"<!doctype html>
<meta charset="utf-8"><title>Chat</title>
<form id="door"><input name="room" value="lobby" required maxlength="16">
  <input name="who" placeholder="your name" required maxlength="16"> <button>Enter</button></form>
<form id="desk" hidden><input name="line" autocomplete="off" maxlength="1000"> <button>Say</button></form>
<ul id="lines"></ul>
<script>
const door = document.getElementById("door"), desk = document.getElementById("desk");
function show(text) {
  const line = document.createElement("li");
  line.textContent = text;
  const lines = document.getElementById("lines");
  lines.append(line);
  if (lines.children.length > 500) lines.firstChild.remove();
}
door.onsubmit = (event) => {
  event.preventDefault();
  const url = new URL(`/rooms/${encodeURIComponent(door.room.value)}/${encodeURIComponent(door.who.value)}`, location);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(url);
  door.hidden = true;
  socket.onopen = () => { desk.hidden = false; desk.line.focus(); };
  socket.onmessage = (event) => show(event.data);
  socket.onclose = (event) => {
    show(`the connection is closed: ${event.reason || event.code}`);
    desk.hidden = true;
    door.hidden = false;
  };
  desk.onsubmit = (event) => { event.preventDefault(); socket.send(desk.line.value); desk.line.value = ""; };
};
</script>
"#;

//! A chat room as an axum user writes it. Compiled twice: `ws` is axum's module, or this crate's.

use super::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use futures_util::{SinkExt, StreamExt};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use tokio::sync::broadcast;

/// Who is here, and what they say.
struct AppState {
    names: Mutex<BTreeSet<String>>,
    said: broadcast::Sender<String>,
}

pub fn router() -> Router {
    let (said, _) = broadcast::channel(64);
    let names = Mutex::default();
    Router::new()
        .route("/", get(|| async { "a chat room" }))
        .route("/room", get(enter))
        .with_state(Arc::new(AppState { names, said }))
}

async fn enter(ws: WebSocketUpgrade, State(state): State<Arc<AppState>>) -> impl IntoResponse {
    ws.max_message_size(4096)
        .protocols(["chat.v2", "chat.v1"])
        .on_upgrade(|socket| visit(socket, state))
}

async fn visit(socket: WebSocket, state: Arc<AppState>) {
    let protocol = socket.protocol().cloned();
    let (mut sender, mut receiver) = socket.split();

    // The first text is a name that nobody has yet.
    let name = loop {
        match receiver.next().await {
            Some(Ok(Message::Text(name))) => break name,
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return,
        }
    };
    if !state.names.lock().unwrap().insert(name.to_string()) {
        let sorry = Utf8Bytes::from_static("that name is taken");
        let _ = sender.send(Message::Text(sorry)).await;
        let bye = CloseFrame {
            code: close_code::POLICY,
            reason: "taken".into(),
        };
        let _ = sender.send(Message::Close(Some(bye))).await;
        // Until the visitor has answered.
        while let Some(Ok(_)) = receiver.next().await {}
        return;
    }
    if let Some(protocol) = protocol {
        let hello = format!("welcome to {}", protocol.to_str().unwrap());
        let _ = sender.send(Message::text(hello)).await;
    }

    let mut heard = state.said.subscribe();
    let _ = state.said.send(format!("{name} joined"));

    let mut tell = tokio::spawn(async move {
        while let Ok(line) = heard.recv().await {
            if sender.send(Message::text(line)).await.is_err() {
                break;
            }
        }
    });
    let (said, speaker) = (state.said.clone(), name.clone());
    let mut listen = tokio::spawn(async move {
        while let Some(Ok(message)) = receiver.next().await {
            let line = match message {
                Message::Text(text) => format!("{speaker}: {text}"),
                Message::Binary(bytes) => format!("{speaker} shows {} bytes", bytes.len()),
                Message::Ping(payload) => format!("{speaker} pings with {} bytes", payload.len()),
                Message::Pong(_) => continue,
                Message::Close(frame) => {
                    let code = frame.map_or(close_code::STATUS, |frame| frame.code);
                    format!("{speaker} says {code}")
                }
            };
            let _ = said.send(line);
        }
    });
    tokio::select! {
        _ = &mut tell => listen.abort(),
        _ = &mut listen => tell.abort(),
    }

    let _ = state.said.send(format!("{name} left"));
    state.names.lock().unwrap().remove(name.as_str());
}

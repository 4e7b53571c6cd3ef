//! tokio-tungstenite with its default configuration, in the two ways its users write an echo.

use std::future;

use futures_util::{SinkExt, StreamExt, TryStreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::accept_async;

/// `split` and `forward`: `forward` flushes only when no message is left to read, so answers leave together.
pub(crate) async fn forward(stream: TcpStream) {
    let Ok(socket) = accept_async(stream).await else {
        return;
    };
    let (sink, messages) = socket.split();
    let messages = messages.try_filter(|m| future::ready(m.is_text() || m.is_binary()));
    // An error is a connection that ended without a Close: nothing is left to do for it.
    let _ended = messages.forward(sink).await;
}

/// `next` and `send`: `send` flushes, so each message is a write of its own.
pub(crate) async fn next_send(stream: TcpStream) {
    let Ok(mut socket) = accept_async(stream).await else {
        return;
    };
    while let Some(Ok(message)) = socket.next().await {
        let is_data = message.is_text() || message.is_binary();
        if is_data && socket.send(message).await.is_err() {
            return;
        }
    }
}

//! How do I write a server? This one sends every message back.
//!
//! `cargo run -p tidewire-examples --example echo_server`, and then, in another terminal,
//! `cargo run -p tidewire-examples --example client`.

use tidewire::Listener;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = Listener::bind(tidewire_examples::listen_address()).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    // The handler runs once per connection, in a task of its own.
    listener
        .serve(|mut ws| async move {
            // `None`, and an error, mean that the connection is over: there is nothing left to do.
            while let Ok(Some(message)) = ws.recv().await {
                if ws.send(message).await.is_err() {
                    break;
                }
            }
        })
        .await
}

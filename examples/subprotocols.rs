//! How do I agree on a subprotocol? The client offers names in order, the server picks one it speaks.
//!
//! `cargo run -p tidewire-examples --example subprotocols`

use tidewire::{Client, Listener, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The preferred one first: versions of a protocol are names of their own.
    let server = Server::new().subprotocols(["chat.v2", "chat.v1"]);
    let listener = Listener::bind("127.0.0.1:0").await?.server(server);
    let url = format!("ws://{}", listener.local_addr()?);
    tokio::spawn(async move {
        listener
            .serve(|mut ws| async move {
                let greeting = match ws.subprotocol().as_deref() {
                    Some("chat.v2") => r#"{"hello":2}"#,
                    Some(_) => "hello 1",
                    // A client that offered none of them is accepted without one, and may be told so.
                    None => {
                        let _ = ws.close(1002, "offer chat.v1 or chat.v2").await;
                        return;
                    }
                };
                let _ = ws.send(greeting).await;
                let _ = ws.recv().await; // until the client closes
            })
            .await
    });

    for offer in [&["chat.v1", "chat.v2"][..], &["chat.v1"], &["other"]] {
        let client = offer
            .iter()
            .fold(Client::new(&url), |client, name| client.subprotocol(name));
        let mut ws = client.connect().await?;
        let agreed = ws.subprotocol();
        match ws.recv().await {
            Ok(message) => println!("{offer:?}: agreed on {agreed:?}, heard {message:?}"),
            Err(error) => println!("{offer:?}: {error}"),
        }
    }
    Ok(())
}

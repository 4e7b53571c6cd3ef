//! How do I write a client? This one says hello, prints the answer, and closes in order.
//!
//! `cargo run -p tidewire-examples --example client -- ws://127.0.0.1:4000/`

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = tidewire_examples::argument("ws://127.0.0.1:4000/");
    let mut ws = tidewire::connect(&url).await?;

    ws.send("hello").await?;
    if let Some(answer) = ws.recv().await? {
        println!("{:?}", answer.as_text());
    }

    // Sends a Close, waits for the peer's, and tells how it went.
    let story = ws.close(1000, "done").await?;
    println!("{story}");
    Ok(())
}

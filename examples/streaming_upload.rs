//! How do I send a file of any size? As one message that is written while the file is read, and saved
//! while it arrives: neither side ever holds more than parts of it.
//!
//! `cargo run -p tidewire-examples --example streaming_upload -- serve 127.0.0.1:4000 /tmp/uploads`, and
//! then `… --example streaming_upload -- send ws://127.0.0.1:4000/ a-large-file`.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use tidewire::{Client, Config, Kind, Listener, Sender, Server, WebSocket};
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;

/// The largest file that the server takes. Its disk is the limit, not its memory.
const LARGEST: u64 = 10 * 1024 * 1024 * 1024;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["serve", address, folder] => serve(address, Path::new(folder)).await,
        ["send", url, file] => send(url, file).await,
        _ => Err("say `serve ADDRESS FOLDER` or `send URL FILE`".into()),
    }
}

async fn send(url: &str, file: &str) -> Result<()> {
    let file = File::open(file).await?;
    let (sender, mut receiver) = Client::new(url).connect().await?.split();
    // Received from meanwhile: that answers Pings, and hears at once of a server that refuses.
    let answer = async {
        Ok(receiver
            .recv()
            .await?
            .ok_or("the server left without an answer")?)
    };
    let (sent, answer) = tokio::try_join!(upload(&sender, file), answer)?;
    println!("sent {sent} bytes: {answer:?}");

    sender.begin_close(1000, "done")?;
    while receiver.recv().await?.is_some() {} // until the server has answered
    Ok(())
}

async fn upload(sender: &Sender, mut file: File) -> Result<u64> {
    let mut message = sender.send_stream(Kind::Binary);
    let sent = tokio::io::copy(&mut file, &mut message).await?;
    // Dropped without this, the message would be broken off.
    message.finish().await?;
    Ok(sent)
}

async fn serve(address: &str, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).await?;
    // A larger file is refused with 1009 as soon as it is too large.
    let server = Server::new().config(Config::new().max_streamed(LARGEST));
    let listener = Listener::bind(address)
        .await?
        .server(server)
        .max_connections(100);
    println!("listening on ws://{}", listener.local_addr()?);
    let folder = PathBuf::from(folder);
    Ok(listener
        .serve(move |ws| receive(ws, folder.clone()))
        .await?)
}

async fn receive(mut ws: WebSocket, folder: PathBuf) {
    // A name of our own: one that the client chose could lead out of the folder.
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    let name = time.unwrap_or_default().as_nanos().to_string();
    let part = folder.join(format!("{name}.part"));
    match save(&mut ws, &part).await {
        Ok(bytes) => {
            // Whoever looks into the folder sees whole files only.
            if let Err(error) = fs::rename(&part, folder.join(&name)).await {
                eprintln!("{}: {error}", part.display());
                let _ = ws.close(1011, "it could not be saved").await;
                return;
            }
            println!("{name}: {bytes} bytes");
            let _ = ws.send(format!("saved {bytes} bytes as {name}")).await;
            let _ = ws.recv().await; // until the client closes
        }
        Err(error) => {
            eprintln!("{}: {error}", part.display());
            let _ = fs::remove_file(&part).await;
            let _ = ws.close(1011, "it could not be saved").await;
        }
    }
}

async fn save(ws: &mut WebSocket, part: &Path) -> Result<u64> {
    let mut message = ws.recv_stream().await?.ok_or("the client left")?;
    let mut file = File::create_new(part).await?;
    let mut bytes = 0;
    // A disk that is slower than the network slows the client down: nothing piles up here.
    while let Some(chunk) = message.chunk().await? {
        file.write_all(&chunk).await?;
        bytes += chunk.len() as u64;
    }
    file.sync_all().await?; // before anybody is told that it is saved
    Ok(bytes)
}

//! How do I stop a server without cutting anybody off? On Ctrl-C or SIGTERM it takes nobody new, asks
//! all to leave, and waits for them.
//!
//! `cargo run -p tidewire-examples --example graceful_shutdown`, connect some clients, press Ctrl-C.

use std::io;
use std::time::Duration;
use tidewire::{Drain, Listener, WebSocket};

#[tokio::main]
async fn main() -> io::Result<()> {
    // Before anybody is told that the server is there: until then, a signal ends it at once.
    let asked_to_stop = signals()?;
    let listener = Listener::bind(tidewire_examples::listen_address()).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    let drain = Drain::new()
        .code(1012) // "service restart": come back
        .reason("a new version is coming")
        // Clients that come back do not all come in the same instant.
        .spread(Duration::from_secs(2))
        // Shorter than the time after which others lose patience: Kubernetes kills after 30 s.
        .timeout(Duration::from_secs(20));
    let drained = listener.serve_until(echo, asked_to_stop, drain).await?;
    println!(
        "{} left, {} remained and were cut",
        drained.closed, drained.cut
    );
    Ok(())
}

async fn echo(mut ws: WebSocket) {
    while let Ok(Some(message)) = ws.recv().await {
        if ws.send(message).await.is_err() {
            break;
        }
    }
    // A drain ends the loop like any other end. What is saved here is waited for.
}

/// Ctrl-C of a terminal, or SIGTERM: what `kill`, systemd and Kubernetes send.
#[cfg(unix)]
fn signals() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => println!("interrupted: stopping"),
            _ = terminate.recv() => println!("told to stop: stopping"),
        }
    })
}

#[cfg(windows)]
fn signals() -> io::Result<impl Future<Output = ()>> {
    let mut pressed = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        pressed.recv().await;
        println!("interrupted: stopping");
    })
}

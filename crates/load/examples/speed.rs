//! How much load one core can make: runs the engine against an echo in a process of its own.
//!
//! `cargo run --profile dist -p tidewire-load --example speed -- CONNECTIONS BYTES DEPTH [busy] [raw] [deflate]`

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use tidewire_load::Plan;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

// As in the binary: large messages are as dear as their allocation.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match arguments.first().map(String::as_str) {
        Some("serve") => return runtime.block_on(serve()),
        Some("serve-raw") => return runtime.block_on(serve_raw()),
        _ => {}
    }
    let number = |index: usize, default| arguments.get(index).map_or(Ok(default), |n| n.parse());
    let says = |word: &str| arguments.iter().any(|argument| argument == word);
    let raw = says("raw");
    let mut server = Command::new(std::env::current_exe()?)
        .arg(if raw { "serve-raw" } else { "serve" })
        .stdout(Stdio::piped())
        .spawn()?;
    let mut url = String::new();
    if let Some(stdout) = server.stdout.take() {
        BufReader::new(stdout).read_line(&mut url)?;
    }
    let plan = Plan::new(url.trim())
        .connections(number(0, 100)?)
        .size(number(1, 32)?)
        .depth(number(2, 16)?)
        .duration(std::time::Duration::from_secs(2))
        .pid(Some(server.id()))
        .busy_poll(says("busy"))
        .raw(raw)
        .deflate(says("deflate"));
    let outcome = tidewire_load::run(&plan, |_| {});
    server.kill()?;
    server.wait()?;
    let report = outcome?;
    print!("{report}");
    println!(
        "per client CPU second: {:.0}",
        report.messages as f64 / report.client_cpu_seconds
    );
    Ok(())
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let listener = tidewire::Listener::bind("127.0.0.1:0").await?;
    println!("ws://{}/", listener.local_addr()?);
    listener
        .serve(|mut ws| async move {
            let _ = ws.for_each(|event, link| drop(link.echo(event))).await;
        })
        .await?;
    Ok(())
}

async fn serve_raw() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("tcp://{}", listener.local_addr()?);
    loop {
        let (mut tcp, _) = listener.accept().await?;
        tcp.set_nodelay(true)?;
        tokio::spawn(async move {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(count @ 1..) = tcp.read(&mut buffer).await {
                if tcp.write_all(&buffer[..count]).await.is_err() {
                    break;
                }
            }
        });
    }
}

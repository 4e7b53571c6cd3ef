//! How do I connect through a proxy? One that is named, or the one that the environment names.
//!
//! `cargo run -p tidewire-examples --example proxy -- wss://example.com/ http://user:password@host:3128`;
//! without the last argument `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` decide.

use std::process::ExitCode;
use tidewire::{Client, ConnectError, Proxy, ProxyReason};

#[tokio::main]
async fn main() -> ExitCode {
    let url = tidewire_examples::argument("ws://127.0.0.1:4000/");
    let proxy = match std::env::args().nth(2) {
        // http://, https://, socks5:// (names are looked up here) or socks5h:// (by the proxy).
        Some(proxy) => Proxy::new(proxy),
        // The default, written out. `Proxy::none()` is for those who must not be redirected so.
        None => Proxy::from_env(),
    };
    match hello(Client::new(&url).proxy(proxy)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // It says which proxy and what to do, and holds no password.
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn hello(client: Client) -> Result<(), Box<dyn std::error::Error>> {
    let mut ws = match client.connect().await {
        Ok(ws) => ws,
        Err(ConnectError::Proxy(error)) => {
            // The proxy's own page mostly says why: a policy, a login, a name that does not resolve.
            if let ProxyReason::Refused(answer) = error.reason() {
                eprintln!("{}", String::from_utf8_lossy(answer.body()));
            }
            return Err(error.into());
        }
        Err(error) => return Err(error.into()),
    };
    ws.send("hello").await?;
    println!("{:?}", ws.recv().await?);
    println!("{}", ws.close(1000, "done").await?);
    Ok(())
}

//! `tidewire connect`: opens the connection and picks how to talk over it.

mod interactive;
mod pipe;
mod session;
mod status;

use std::io::IsTerminal;

use tidewire::{Client, WebSocket};
use tokio::runtime::{Builder, LocalOptions};

use crate::args::{ConnectArgs, Wait};
use crate::exit::Exit;

/// Connects to `url` and stays until one side closes or the input ends.
pub(crate) fn run(url: &str, args: ConnectArgs) -> Exit {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default());
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return status::error(Exit::Local, &format!("no event loop: {error}")),
    };
    let exit = runtime.block_on(async {
        match open(url, &args).await {
            Ok(ws) => talk(ws, args).await,
            Err(exit) => exit,
        }
    });
    // A thread may still wait for a line that nobody will type.
    runtime.shutdown_background();
    exit
}

async fn open(url: &str, args: &ConnectArgs) -> Result<WebSocket, Exit> {
    let patience = args.connect_timeout;
    let mut client = Client::new(url)
        .connect_timeout(patience)
        .handshake_timeout(patience);
    for (name, value) in &args.headers {
        client = client.header(name, value);
    }
    for protocol in &args.subprotocol {
        client = client.subprotocol(protocol);
    }
    if let Some(origin) = &args.origin {
        client = client.origin(origin);
    }
    let result = tokio::select! {
        result = tokio::time::timeout(patience, client.connect()) => result,
        _ = tokio::signal::ctrl_c() => return Err(Exit::Interrupted),
    };
    match result {
        Ok(Ok(ws)) => Ok(ws),
        Ok(Err(error)) => Err(status::not_connected(url, error)),
        Err(_) => Err(status::no_answer()),
    }
}

async fn talk(ws: WebSocket, args: ConnectArgs) -> Exit {
    status::connected(&ws, &args.subprotocol);
    let stdout_is_terminal = std::io::stdout().is_terminal();
    if !args.execute.is_empty() {
        let after = match args.wait {
            Wait::ForEver => session::After::Hold,
            Wait::For(time) => session::After::For(time),
        };
        let input = pipe::lines(args.execute);
        return pipe::run(ws, input, after, stdout_is_terminal).await;
    }
    if std::io::stdin().is_terminal() && stdout_is_terminal {
        return interactive::run(ws).await;
    }
    let after = match args.wait {
        Wait::ForEver => session::After::Hold,
        Wait::For(time) => session::After::Silence(time),
    };
    pipe::run(ws, pipe::stdin(), after, stdout_is_terminal).await
}

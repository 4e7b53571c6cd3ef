//! `tidewire connect`: opens the connection and picks how to talk over it.

mod interactive;
mod pipe;
mod session;
pub(crate) mod status;
pub(crate) mod talk;

use std::io::IsTerminal;

use tidewire::WebSocket;
use tidewire::wire::Seen;
use tokio::runtime::{Builder, LocalOptions};

use crate::args::{ConnectArgs, Wait};
use crate::dial::{self, Dial};
use crate::exit::{self, Exit};

/// Connects to `target` and stays until one side closes or the input ends.
pub(crate) fn run(target: &str, args: ConnectArgs) -> Exit {
    let dial = match Dial::prepare(target, &args.dial) {
        Ok(dial) => dial,
        Err(exit) => return exit,
    };
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default());
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return exit::error(Exit::Local, &format!("no event loop: {error}")),
    };
    let exit = runtime.block_on(async {
        let ws = tokio::select! {
            result = dial.connect(None::<fn(Seen<'_>)>) => result,
            _ = tokio::signal::ctrl_c() => return Exit::Interrupted,
        };
        match ws {
            Ok(ws) => talk(ws, dial.url(), args).await,
            Err(error) => dial::explain(dial.url(), error),
        }
    });
    // A thread may still wait for a line that nobody will type.
    runtime.shutdown_background();
    exit
}

async fn talk(ws: WebSocket, url: &str, args: ConnectArgs) -> Exit {
    status::connected(&ws, &args.dial.subprotocol);
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
        let opened = talk::Opened {
            subprotocol: ws.subprotocol().map(|name| name.to_string()),
            ..talk::Opened::default()
        };
        let settings = interactive::Settings {
            url: url.to_owned(),
            args: args.terminal,
            opened,
        };
        return interactive::run(ws, settings).await;
    }
    let after = match args.wait {
        Wait::ForEver => session::After::Hold,
        Wait::For(time) => session::After::Silence(time),
    };
    pipe::run(ws, pipe::stdin(), after, stdout_is_terminal).await
}

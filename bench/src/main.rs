//! `peers NAME ADDR`: one echo server of another library, on one thread, to be measured beside `tidewire echo`.

mod fastws;
mod raw;
mod tungstenite;

use std::future::Future;
use std::io::{self, Write};
use std::process::ExitCode;

use tokio::net::{TcpListener, TcpStream};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "\
usage: peers NAME ADDR
  NAME  raw                     TCP, byte for byte: the limit
        tokio-tungstenite       split() and forward(): answers leave together
        tokio-tungstenite-next  next() and send(): one flush a message
        fastwebsockets          FragmentCollector behind hyper's upgrade
  ADDR  HOST:PORT; port 0 takes a free one";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, address] = arguments.as_slice() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("peers: cannot start the runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(async {
        match name.as_str() {
            "raw" => serve("tcp", address, raw::echo).await,
            "tokio-tungstenite" => serve("ws", address, tungstenite::forward).await,
            "tokio-tungstenite-next" => serve("ws", address, tungstenite::next_send).await,
            "fastwebsockets" => serve("ws", address, fastws::echo).await,
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("no peer {name}\n{USAGE}"),
            )),
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Accepts for ever, one task per connection. How a connection ends is its client's affair and is not reported.
async fn serve<F, Fut>(scheme: &str, address: &str, echo: F) -> io::Result<()>
where
    F: Fn(TcpStream) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind(address).await?;
    let mut stdout = io::stdout();
    writeln!(
        stdout,
        "listening on {scheme}://{}/",
        listener.local_addr()?
    )?;
    stdout.flush()?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(echo(stream));
    }
}

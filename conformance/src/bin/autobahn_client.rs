//! The client under test: `autobahn-client URL AGENT` echoes every case of Autobahn's fuzzing server.
#![forbid(unsafe_code)]

use std::error::Error;
use std::process::ExitCode;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, agent] = arguments.as_slice() else {
        eprintln!("usage: autobahn-client URL AGENT");
        return ExitCode::from(2);
    };
    match run(server.trim_end_matches('/'), agent).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("autobahn-client: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Asks how many cases there are, runs each, and asks for the report, which is written by then.
async fn run(server: &str, agent: &str) -> Result {
    let count = case_count(server).await?;
    for case in 1..=count {
        let url = format!("{server}/runCase?case={case}&agent={agent}");
        // Most cases break the protocol on purpose; whether that error is right, Autobahn judges.
        if let Err(error) = echo(&url).await {
            println!("case {case}: {error}");
        }
    }
    let mut report = tidewire::connect(format!("{server}/updateReports?agent={agent}")).await?;
    while report.recv().await?.is_some() {}
    Ok(())
}

async fn case_count(server: &str) -> Result<u32> {
    let mut connection = tidewire::connect(format!("{server}/getCaseCount")).await?;
    let count = match connection.recv().await? {
        Some(tidewire::Message::Text(text)) => text.parse()?,
        _ => return Err("getCaseCount was not answered with a text".into()),
    };
    while connection.recv().await?.is_some() {}
    Ok(count)
}

/// Sends every message back as it came, until the connection closes. Deflate is offered by default.
async fn echo(url: &str) -> Result {
    let mut connection = tidewire::connect(url).await?;
    while let Some(message) = connection.recv().await? {
        connection.send(message).await?;
    }
    Ok(())
}

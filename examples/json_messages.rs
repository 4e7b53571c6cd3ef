//! How do I speak JSON? Requests and answers are enums; a request that cannot be read gets an answer
//! that says why, and the connection goes on.
//!
//! `cargo run -p tidewire-examples --example json_messages`

use serde::{Deserialize, Serialize};
use tidewire::{Config, JsonError, Listener, Server, WebSocket};

/// As JSON: `{"type":"add","numbers":[1,2]}`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Request {
    Add { numbers: Vec<i64> },
    Greet { name: String },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Answer {
    Sum { value: i64 },
    Greeting { text: String },
    Error { message: String },
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // What is parsed is no longer than this; serde_json bounds how deep it is.
    let server = Server::new().config(Config::new().max_message(64 * 1024));
    let listener = Listener::bind("127.0.0.1:0").await?.server(server);
    let url = format!("ws://{}", listener.local_addr()?);
    tokio::spawn(async move { listener.serve(answer_all).await });

    let mut ws = tidewire::connect(&url).await?;
    let numbers = vec![1, 2, 39];
    ws.send_json(&Request::Add { numbers }).await?;
    println!("{:?}", ws.recv_json::<Answer>().await?);

    // What a client of another version, or another mind, may send.
    for unreadable in [r#"{"type":"divide","by":0}"#, "hello?"] {
        ws.send(unreadable).await?;
        println!("{:?}", ws.recv_json::<Answer>().await?);
    }

    let name = "Ann".to_owned();
    ws.send_json(&Request::Greet { name }).await?;
    println!("{:?}", ws.recv_json::<Answer>().await?);
    println!("{}", ws.close(1000, "done").await?);
    Ok(())
}

async fn answer_all(mut ws: WebSocket) {
    loop {
        let answer = match ws.recv_json().await {
            Ok(Some(request)) => reply(request),
            // Says what was expected, and in which line and column.
            Err(JsonError::Message(unreadable)) => Answer::Error {
                message: unreadable.error.to_string(),
            },
            Ok(None) => return,
            Err(error) => return eprintln!("a client was lost: {error}"),
        };
        if let Err(error) = ws.send_json(&answer).await {
            return eprintln!("an answer was not sent: {error}");
        }
    }
}

fn reply(request: Request) -> Answer {
    match request {
        // Numbers from elsewhere overflow if they can.
        Request::Add { numbers } => {
            match numbers.iter().try_fold(0_i64, |sum, n| sum.checked_add(*n)) {
                Some(value) => Answer::Sum { value },
                None => Answer::Error {
                    message: "the sum is too large".to_owned(),
                },
            }
        }
        Request::Greet { name } => Answer::Greeting {
            text: format!("hello, {name}"),
        },
    }
}

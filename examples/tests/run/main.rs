//! Every example is run as its first lines say, and does what it says.

#![allow(clippy::unwrap_used)]

mod example;

use example::{Example, NAMES};
use std::time::Duration;
use tidewire::{Error, Message};

#[test]
fn no_example_is_left_out() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".rs").map(str::to_owned))
        .filter(|name| name != "lib")
        .collect();
    files.sort();
    assert_eq!(files, NAMES);
    let source = include_str!("main.rs");
    for name in NAMES {
        let text = std::fs::read_to_string(folder.join(format!("{name}.rs"))).unwrap();
        assert!(
            text.starts_with("//! How "),
            "{name} begins with its question"
        );
        let run = [format!("start(\"{name}\""), format!("run(\"{name}\"")];
        assert!(
            run.iter().any(|run| source.contains(run)),
            "{name} is never run"
        );
    }
}

#[tokio::test]
async fn the_client_talks_to_the_echo_server() {
    let server = Example::start("echo_server", &["127.0.0.1:0"]).await;
    let output = example::run("client", &[&server.url]).await;
    assert!(output.contains("Some(\"hello\")"), "{output}");
    assert!(output.contains("closed by us with 1000"), "{output}");
}

#[tokio::test]
async fn subprotocols_are_agreed_on_in_the_servers_order() {
    let output = example::run("subprotocols", &[]).await;
    let lines: Vec<_> = output.lines().collect();
    assert_eq!(lines.len(), 3, "{output}");
    assert!(lines[0].contains("agreed on Some(\"chat.v2\")"), "{output}");
    assert!(lines[1].contains("agreed on Some(\"chat.v1\")"), "{output}");
    assert!(lines[2].contains("1002"), "{output}");
}

#[tokio::test]
async fn a_broadcast_reaches_every_member() {
    let server = Example::start("broadcast", &["127.0.0.1:0"]).await;
    let mut members = Vec::new();
    for _ in 0..3 {
        members.push(tidewire::connect(&server.url).await.unwrap());
    }
    members[0].send("to all").await.unwrap();
    for member in &mut members {
        assert_eq!(member.recv().await.unwrap(), Some("to all".into()));
    }
}

#[tokio::test]
async fn a_player_moves_between_ticks() {
    let server = Example::start("game_loop", &["127.0.0.1:0"]).await;
    let mut player = tidewire::connect(&server.url).await.unwrap();
    player.send("right").await.unwrap();
    let moved = async {
        loop {
            match player.recv().await.unwrap() {
                Some(Message::Text(state)) if state.contains(":3") => break,
                Some(_) => {}
                None => panic!("the game ended"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), moved)
        .await
        .unwrap();
    player
        .send("a word that is longer than the sixty-four bytes that a player may send")
        .await
        .unwrap();
    let end = loop {
        match player.recv().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it closed as if nothing had happened"),
            Err(error) => break error,
        }
    };
    assert!(matches!(end, Error::Closed(_)), "{end}");
}
